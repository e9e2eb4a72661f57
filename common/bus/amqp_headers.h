/* amqp_headers.h - librabbitmq's headers. From 0.12 on they live in a folder of their own, and the
 * old names only warn; 0.11 (Debian 12) has the old names alone. */
#ifndef CARTWRIGHT_BUS_AMQP_HEADERS_H
#define CARTWRIGHT_BUS_AMQP_HEADERS_H

/* cppcheck cannot read __has_include, and reads no header of a library anyway. */
#if defined(__cppcheck__)
#elif __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#endif

#endif
