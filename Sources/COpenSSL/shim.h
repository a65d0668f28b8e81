#ifndef COpenSSL_SHIM_H
#define COpenSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

/* What Swift cannot call: macros that look like functions, and functions with variable arguments. */

static const int gapura_selection_pair = EVP_PKEY_KEYPAIR;
static const int gapura_selection_public = EVP_PKEY_PUBLIC_KEY;

static inline EVP_PKEY *gapura_generate_rsa(size_t bits) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
}

static inline EVP_PKEY *gapura_generate_ec(const char *curve) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

static inline EVP_PKEY *gapura_generate_ed25519(void) {
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static inline long gapura_memory_bytes(BIO *bio, const char **bytes) {
    return BIO_get_mem_data(bio, bytes);
}

static inline int gapura_bn_byte_count(const BIGNUM *number) {
    return BN_num_bytes(number);
}

#endif
