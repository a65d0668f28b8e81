#ifndef CSQLite_SHIM_H
#define CSQLite_SHIM_H

#include <sqlite3.h>

/* sqlite3_config takes what follows as variable arguments, which Swift cannot pass. */
static inline int gapura_sqlite_count_memory(int counts) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, counts); }

#endif
