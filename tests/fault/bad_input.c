/* bad_input.c */
#include "fault/fault.h"
const struct fault_test bad_input_tests[] = {{0}};
