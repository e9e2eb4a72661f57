/* stub */
#include "cartwright/describe.h"
int describe_markdown(struct describe *describe, const char *folder)
{
    (void)describe;
    (void)folder;
    return 0;
}
