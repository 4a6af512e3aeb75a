import CCurl
import COpenSSL
import Foundation
import Synchronization

/// Takes an answer's body as it comes, on the loop's thread.
protocol AnswerSink: AnyObject {
    /// Called once, before the first byte, for an answer below 400.
    func begin(status: Int, headers: [String: String]) throws(TransportError)
    func receive(_ bytes: UnsafeRawBufferPointer) throws(TransportError)
}

/// One request in libcurl's hands: what it asks, where its bytes come from and go to, and how it ended.
///
/// Unchecked: made by the task that awaits it, then touched by the loop's thread alone until that resumes the task.
/// Only `isCancelled`, an atomic, is set from elsewhere.
final class CurlTransfer: @unchecked Sendable {
    /// How it ended, before it is put in words.
    struct Outcome {
        var code = CURLE_OK
        /// Given up by the loop since nothing moved.
        var isStalled = false
        var systemError = 0
        /// The proxy's status to `CONNECT`; 0 without one.
        var proxyStatus = 0
        /// libcurl's own words.
        var text = ""
        /// Whether TCP, proxy and TLS were through.
        var wasConnected = false
        var findings: ServerFindings?
    }

    let isCancelled = Atomic(false)
    let order: RequestOrder
    let sink: (any AnswerSink)?
    let sent: (@Sendable (Int) -> Void)?
    var continuation: CheckedContinuation<Void, Never>?

    private(set) var outcome = Outcome()
    /// Why it was broken off from this side.
    private(set) var failure: TransportError?
    private(set) var status = 0
    private(set) var headers: [String: String] = [:]
    private(set) var body: [UInt8] = []

    private var source: BodySource
    private var hasBegun = false
    private var moved = 0
    private var reported = 0
    private var headerBytes = 0
    private var lastMove = SuspendingClock.now
    private var fields: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init(_ order: RequestOrder, sink: (any AnswerSink)?, sent: (@Sendable (Int) -> Void)?) throws(TransportError) {
        self.order = order
        self.sink = sink
        self.sent = sent
        source = try BodySource(order.body)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_slist_free_all(fields)
        errorText.deallocate()
    }

    // MARK: What libcurl asks, on the loop's thread

    /// Fills an easy handle that was reset.
    func prepare(_ handle: UnsafeMutableRawPointer, rates: ClientRates) {
        let this = Unmanaged.passUnretained(self).toOpaque()
        lastMove = .now
        _ = ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        _ = ccurl_set_pointer(handle, CURLOPT_HEADERDATA, this)
        _ = ccurl_set_pointer(handle, CURLOPT_WRITEDATA, this)
        _ = ccurl_set_pointer(handle, CURLOPT_READDATA, this)
        _ = ccurl_set_pointer(handle, CURLOPT_SEEKDATA, this)
        _ = ccurl_set_pointer(handle, CURLOPT_SSL_CTX_DATA, this)
        _ = ccurl_set_data(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, this in
            CurlTransfer.of(this).header(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        _ = ccurl_set_data(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, this in
            CurlTransfer.of(this).receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        _ = ccurl_set_data(handle, CURLOPT_READFUNCTION) { bytes, size, count, this in
            CurlTransfer.of(this).read(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
        _ = ccurl_set_seek(handle, CURLOPT_SEEKFUNCTION) { this, offset, origin in
            CurlTransfer.of(this).seek(Int(offset), origin)
        }
        _ = ccurl_set_tls(handle, CURLOPT_SSL_CTX_FUNCTION) { _, context, this in
            CurlTransfer.of(this).verification(in: context)
        }
        fields = order.apply(to: handle, bodyCount: source.count)
        rates.prepare(handle)
        source.handle = handle
    }

    private static func of(_ this: UnsafeMutableRawPointer?) -> CurlTransfer {
        guard let this else { preconditionFailure("libcurl lost the transfer") }
        return Unmanaged<CurlTransfer>.fromOpaque(this).takeUnretainedValue()
    }

    private func verification(in context: UnsafeMutableRawPointer?) -> CURLcode {
        guard let context, let trust = order.trust else { return CURLE_SSL_CONNECT_ERROR }
        let verification = ServerVerification(trust, host: order.host, now: order.ignoresTime ? nil : order.now) {
            [weak self] in self?.outcome.findings = $0
        }
        return verification.install(in: OpaquePointer(context)) ? CURLE_OK : CURLE_OUT_OF_MEMORY
    }

    private func header(_ bytes: UnsafeRawBufferPointer) -> Int {
        lastMove = .now
        headerBytes += bytes.count
        guard headerBytes <= 64 << 10 else { return fail(Self.violation("its headers are longer than 64 KiB")) }
        let line = PlainText.line(bytes, limit: 8 << 10).trimmingCharacters(in: .whitespaces)
        if line.hasPrefix("HTTP/") {
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            headers = [:]
        } else if let colon = line.firstIndex(of: ":") {
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return bytes.count
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        do throws(TransportError) {
            try begin()
            if status < 400, let sink {
                try sink.receive(bytes)
            } else {
                // A refusal is read as far as it can be of use.
                let limit = status < 400 ? order.limit : 64 << 10
                guard body.count + bytes.count <= limit else {
                    throw Self.violation("it is longer than the \(limit) bytes it may have")
                }
                body.append(contentsOf: bytes)
            }
            return bytes.count
        } catch {
            return fail(error)
        }
    }

    private func begin() throws(TransportError) {
        guard !hasBegun else { return }
        hasBegun = true
        if status < 400 { try sink?.begin(status: status, headers: headers) }
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        do throws(TransportError) {
            return try source.read(into: buffer)
        } catch {
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    private func seek(_ offset: Int, _ origin: Int32) -> Int32 {
        guard origin == SEEK_SET, source.seek(offset) else { return CURL_SEEKFUNC_FAIL }
        return CURL_SEEKFUNC_OK
    }

    /// Any count but the one given makes libcurl break off.
    private func fail(_ error: TransportError) -> Int {
        failure = error
        return -1
    }

    private static func violation(_ what: String) -> TransportError {
        TransportError(.violation, "the server's answer is not taken: \(what); compare the versions of both sides")
    }

    // MARK: What the loop asks

    /// Looks at how far it came.
    /// - Returns: false when it stood still longer than it may.
    func isAlive(_ handle: UnsafeMutableRawPointer) -> Bool {
        var up = 0
        var down = 0
        _ = ccurl_get_offset(handle, CURLINFO_SIZE_UPLOAD_T, &up)
        _ = ccurl_get_offset(handle, CURLINFO_SIZE_DOWNLOAD_T, &down)
        if up + down != moved {
            moved = up + down
            lastMove = .now
            if let sent, abs(up - reported) >= 1 << 20 || up == source.count, up != reported {
                reported = up
                sent(up)
            }
            return true
        }
        return SuspendingClock.now - lastMove <= order.patience
    }

    /// Keeps what libcurl knows of the end.
    func end(_ code: CURLcode, _ handle: UnsafeMutableRawPointer, isStalled: Bool = false) {
        var connected = 0
        _ = ccurl_get_long(handle, CURLINFO_OS_ERRNO, &outcome.systemError)
        _ = ccurl_get_long(handle, CURLINFO_HTTP_CONNECTCODE, &outcome.proxyStatus)
        _ = ccurl_get_offset(handle, CURLINFO_PRETRANSFER_TIME_T, &connected)
        outcome.code = code
        outcome.isStalled = isStalled
        outcome.wasConnected = connected > 0
        outcome.text = String(cString: errorText)
        source.handle = nil
        if code == CURLE_OK, failure == nil {
            do throws(TransportError) { try begin() } catch { failure = error }
        }
    }
}
