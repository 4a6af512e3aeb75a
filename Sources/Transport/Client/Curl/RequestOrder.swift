import CCurl
import Foundation

/// A request with all that libcurl must know to carry it out.
struct RequestOrder: Sendable {
    var method: String
    var url: String
    /// The server's name or address alone, for its certificate.
    var host: String
    var headers: [String: String]
    var body: RequestBody
    /// Bytes the answer may have.
    var limit: Int
    var patience: Duration
    var connectPatience: Duration
    var unixSocket: String?
    /// As libcurl takes it; nil: direct.
    var proxy: String?
    var trust: ClientSettings.Trust?
    /// By this machine's clock.
    var now: Date
    var identity: IdentityFiles.Contents?
    /// On a connection of its own, with certificates taken whose time is over: only to ask for the server's clock.
    var ignoresTime = false

    /// Sets the options of a handle that was reset.
    /// - Returns: the list of headers, to be freed after the transfer.
    func apply(to handle: UnsafeMutableRawPointer, bodyCount: Int?) -> UnsafeMutablePointer<curl_slist>? {
        _ = ccurl_set_string(handle, CURLOPT_URL, url)
        _ = ccurl_set_string(handle, CURLOPT_PROTOCOLS_STR, unixSocket == nil ? "https" : "http")
        _ = ccurl_set_long(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        _ = ccurl_set_long(handle, CURLOPT_PATH_AS_IS, 1)
        _ = ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_long(handle, CURLOPT_QUICK_EXIT, 1)
        _ = ccurl_set_string(handle, CURLOPT_USERAGENT, "consilium/1")
        _ = ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(connectPatience / .milliseconds(1)))
        _ = ccurl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        _ = ccurl_set_little_unsent(handle)
        _ = ccurl_set_long(handle, CURLOPT_TCP_KEEPIDLE, 30)
        _ = ccurl_set_long(handle, CURLOPT_TCP_KEEPINTVL, 15)
        // Shorter than servers keep an idle connection, so that none is used just as it closes.
        _ = ccurl_set_long(handle, CURLOPT_MAXAGE_CONN, 50)
        applyWay(to: handle)
        applyTLS(to: handle)
        return applyRequest(to: handle, bodyCount: bodyCount)
    }

    private func applyWay(to handle: UnsafeMutableRawPointer) {
        if let unixSocket { _ = ccurl_set_string(handle, CURLOPT_UNIX_SOCKET_PATH, unixSocket) }
        // Both are always set, so that libcurl does not look into the environment by itself.
        _ = ccurl_set_string(handle, CURLOPT_PROXY, proxy ?? "")
        _ = ccurl_set_string(handle, CURLOPT_NOPROXY, "")
        _ = ccurl_set_long(handle, CURLOPT_HTTPPROXYTUNNEL, 1)
        _ = ccurl_set_long(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        _ = ccurl_set_long(handle, CURLOPT_PROXYAUTH, ccurl_proxy_schemes)
    }

    private func applyTLS(to handle: UnsafeMutableRawPointer) {
        guard unixSocket == nil else { return }
        _ = ccurl_set_long(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_3)
        _ = ccurl_set_long(handle, CURLOPT_SSL_ENABLE_ALPN, 1)
        _ = ccurl_set_long(handle, CURLOPT_SSL_VERIFYPEER, 1)
        _ = ccurl_set_long(handle, CURLOPT_SSL_VERIFYHOST, 2)
        _ = ccurl_set_long(handle, CURLOPT_SSL_SESSIONID_CACHE, 0)
        // Without these libcurl adds the system's certificates to what it is given.
        _ = ccurl_set_string(handle, CURLOPT_CAINFO, nil)
        _ = ccurl_set_string(handle, CURLOPT_CAPATH, nil)
        if ignoresTime {
            _ = ccurl_set_long(handle, CURLOPT_FRESH_CONNECT, 1)
            _ = ccurl_set_long(handle, CURLOPT_FORBID_REUSE, 1)
        }
        guard let identity else { return }
        _ = ccurl_set_blob(handle, CURLOPT_SSLCERT_BLOB, identity.chain, identity.chain.count)
        _ = ccurl_set_blob(handle, CURLOPT_SSLKEY_BLOB, identity.key, identity.key.count)
        // An encrypted key is refused; without this OpenSSL would ask at the terminal.
        _ = ccurl_set_string(handle, CURLOPT_KEYPASSWD, "-")
    }

    private func applyRequest(
        to handle: UnsafeMutableRawPointer, bodyCount: Int?
    ) -> UnsafeMutablePointer<curl_slist>? {
        if let bodyCount {
            _ = ccurl_set_long(handle, CURLOPT_UPLOAD, 1)
            _ = ccurl_set_offset(handle, CURLOPT_INFILESIZE_LARGE, bodyCount)
        }
        if method == "HEAD" { _ = ccurl_set_long(handle, CURLOPT_NOBODY, 1) }
        if method != "GET" && method != "HEAD" { _ = ccurl_set_string(handle, CURLOPT_CUSTOMREQUEST, method) }
        // "Expect: 100-continue" would cost a round trip for each body.
        var list = curl_slist_append(nil, "Expect:")
        for (name, value) in headers { list = curl_slist_append(list, "\(name): \(value)") }
        _ = ccurl_set_list(handle, CURLOPT_HTTPHEADER, list)
        return list
    }
}

/// Bytes per second a client may send and receive; 0: no limit.
struct ClientRates: Sendable, Equatable {
    var send: Int
    var receive: Int

    /// Before a transfer: libcurl moves a buffer at a time and then waits until the limit allows more, which must not take
    /// so long that the line seems to stand still.
    func prepare(_ handle: UnsafeMutableRawPointer) {
        func buffer(_ rate: Int) -> Int { rate > 0 ? max(16 << 10, min(4 * rate, 512 << 10)) : 512 << 10 }
        _ = ccurl_set_long(handle, CURLOPT_BUFFERSIZE, buffer(receive))
        _ = ccurl_set_long(handle, CURLOPT_UPLOAD_BUFFERSIZE, buffer(send))
        apply(to: handle)
    }

    func apply(to handle: UnsafeMutableRawPointer) {
        _ = ccurl_set_offset(handle, CURLOPT_MAX_SEND_SPEED_LARGE, send)
        _ = ccurl_set_offset(handle, CURLOPT_MAX_RECV_SPEED_LARGE, receive)
    }
}
