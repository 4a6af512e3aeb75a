// libcurl as Swift sees it: `curl_easy_setopt` and `curl_easy_getinfo` are variadic, so one inline function a type.
#ifndef CONSILIUM_CCURL_SHIM_H
#define CONSILIUM_CCURL_SHIM_H
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
typedef size_t ccurl_data(char *bytes, size_t size, size_t count, void *context);
typedef int ccurl_seek(void *context, curl_off_t offset, int origin);
typedef CURLcode ccurl_tls(CURL *h, void *tls, void *context);

// What a proxy may ask for; as a number, since Swift does not see the macros' casts.
static const long ccurl_proxy_schemes = CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM | CURLAUTH_NEGOTIATE;

static inline CURLcode ccurl_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_offset(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_list(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_data(CURL *h, CURLoption o, ccurl_data *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_seek(CURL *h, CURLoption o, ccurl_seek *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode ccurl_set_tls(CURL *h, CURLoption o, ccurl_tls *v) { return curl_easy_setopt(h, o, v); }
// What is written and not yet sent is lost when the line is cut, and counts as sent in what is shown: little of it waits.
static inline int ccurl_limit_unsent(void *context, curl_socket_t socket, curlsocktype purpose) {
    (void)context, (void)purpose;
    int most = 2 << 20;
    setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
    return CURL_SOCKOPT_OK;
}
static inline CURLcode ccurl_set_little_unsent(CURL *h) {
    return curl_easy_setopt(h, CURLOPT_SOCKOPTFUNCTION, ccurl_limit_unsent);
}
// The bytes are copied.
static inline CURLcode ccurl_set_blob(CURL *h, CURLoption o, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(h, o, &blob);
}
static inline CURLcode ccurl_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode ccurl_get_offset(CURL *h, CURLINFO i, curl_off_t *v) { return curl_easy_getinfo(h, i, v); }
// The SSL object of the connection in use; NULL without one.
static inline void *ccurl_get_tls(CURL *h) {
    struct curl_tlssessioninfo *session = 0;
    if (curl_easy_getinfo(h, CURLINFO_TLS_SSL_PTR, &session) != CURLE_OK || !session) return 0;
    return session->backend == CURLSSLBACKEND_OPENSSL ? session->internals : 0;
}
#endif
