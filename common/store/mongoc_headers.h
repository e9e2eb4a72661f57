/* mongoc_headers.h - the driver's headers, without the warnings about their inline functions. */
#ifndef CARTWRIGHT_STORE_MONGOC_HEADERS_H
#define CARTWRIGHT_STORE_MONGOC_HEADERS_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <mongoc/mongoc.h>
#pragma GCC diagnostic pop

#endif
