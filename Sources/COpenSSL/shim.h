// OpenSSL 3 as Swift sees it: the function-like macros that Swift cannot import, as inline functions.
#ifndef CONSILIUM_COPENSSL_SHIM_H
#define CONSILIUM_COPENSSL_SHIM_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long consilium_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline long consilium_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
    return SSL_CTX_set_max_proto_version(context, version);
}

static inline long consilium_SSL_CTX_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }

static inline long consilium_SSL_CTX_session_cache_off(SSL_CTX *context) {
    return SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline long consilium_SSL_CTX_set1_groups_list(SSL_CTX *context, const char *groups) {
    return SSL_CTX_set1_groups_list(context, groups);
}

static inline long consilium_SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate);
}

/// A resumed TLS 1.3 session skips the client's certificate, and a renegotiated one could change it.
static inline void consilium_SSL_CTX_forbid_resumption(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline void consilium_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void consilium_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline long consilium_BIO_get_mem_data(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

/// A fresh Ed25519 key; the variadic EVP_PKEY_Q_keygen is out of Swift's reach.
static inline EVP_PKEY *consilium_ed25519_keygen(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }
#endif
