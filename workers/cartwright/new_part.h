/* new_part.h - the templates of what `cartwright new` writes. Each is a file in
 * workers/cartwright/templates/, embedded by the Makefile: operation.c.in is part_operation_c. In a
 * template, @name@ is a slot (new_plan.h). */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_NEW_PART_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_NEW_PART_H

extern const char part_operation_json[];
extern const char part_operation_c[];
extern const char part_operation_flow[];
extern const char part_operation_next[];
extern const char part_domain_document_json[];
extern const char part_domain_c[];
extern const char part_domain_h[];
extern const char part_domain_operations_h[];
extern const char part_domain_invariants_c[];
extern const char part_domain_next[];

#endif
