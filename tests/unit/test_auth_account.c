/* Which passwords will not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/account.h"

#define EMAIL "Margaret@example.com"
#define NAME  "Meg Hamilton"

void test_auth_account__refuses_passwords_that_are_easily_guessed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *email;
        const char *password;
        bool good;
    } rows[] = {
        {NAME, EMAIL, "correct horse battery", true},
        {NAME, EMAIL, "password", false},
        {NAME, EMAIL, "PassWord", false},
        {NAME, EMAIL, "margaret", false},
        {NAME, EMAIL, "xxMARGARETxx", false},
        {NAME, EMAIL, "Margaret@example.com", false},
        {NAME, EMAIL, "margare-t42", true},
        {NAME, EMAIL, "meg hamilton", false},
        {NAME, EMAIL, "meghamilton!", true},
        /* Words of three letters turn up anywhere. */
        {"Al", "al@example.com", "also-a-good-one", true},
        {"Alan", "bob@example.com", "bobsleigh-run", true},
        {"Alan", "bob@example.com", "alan-was-here", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct applicant applicant = {.name = str_of(rows[i].name),
                                            .email = str_of(rows[i].email),
                                            .password = str_of(rows[i].password)};
        const char *weakness = password_weakness(&applicant);
        if ((weakness == NULL) != rows[i].good)
            fail_msg("row %zu, '%s': %s", i, rows[i].password, weakness ? weakness : "taken");
    }
}
