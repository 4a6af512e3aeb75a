// OpenSSL 3 as Swift sees it: the function-like macros that Swift cannot import, as inline functions.
#ifndef CONSILIUM_COPENSSL_SHIM_H
#define CONSILIUM_COPENSSL_SHIM_H
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#endif
