/* errors.c - the shop's own error codes. */
#include "errors.h"

SHOP_ERROR_CODES(DEFINE_ERROR_CODE)
