#ifndef CCrypt_SHIM_H
#define CCrypt_SHIM_H

#include <crypt.h>

/* sizeof (struct crypt_data), whose largest member is more than Swift imports. */
static const int gapura_crypt_data_size = sizeof(struct crypt_data);

#endif
