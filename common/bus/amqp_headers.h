/* amqp_headers.h - includes librabbitmq's headers. From 0.12 on they are in a folder of their own,
 * and including the old names causes warnings; 0.11 (Debian 12) has only the old names. */
#ifndef CARTWRIGHT_BUS_AMQP_HEADERS_H
#define CARTWRIGHT_BUS_AMQP_HEADERS_H

/* cppcheck does not understand __has_include, and does not read library headers anyway. */
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
