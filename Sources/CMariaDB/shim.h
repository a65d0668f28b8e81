#ifndef CMariaDB_SHIM_H
#define CMariaDB_SHIM_H

#include <mysql.h>

#endif
