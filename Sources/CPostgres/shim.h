#ifndef CPostgres_SHIM_H
#define CPostgres_SHIM_H

#include <libpq-fe.h>
#include <postgres_ext.h>

/// PG_DIAG_SQLSTATE is a character, which Swift does not import.
static inline const char *PQresultSQLState(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_SQLSTATE);
}

static inline const char *PQresultPrimaryMessage(const PGresult *result) {
    return PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
}

#endif
