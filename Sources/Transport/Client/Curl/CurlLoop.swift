import CCurl
import Foundation
import Glibc
import Synchronization

/// One thread that carries out a client's requests with libcurl's multi interface, and keeps its connections.
final class CurlLoop: Sendable {
    private struct Inbox {
        var arriving: [CurlTransfer] = []
        var rates: ClientRates
        var isClosed = false
        /// The thread has ended, and libcurl's part is freed.
        var isOver = false
    }

    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let inbox: Mutex<Inbox>
    /// Of all functions only `curl_multi_wakeup`, which may be, is called from other threads than the loop's own.
    private nonisolated(unsafe) let multi: UnsafeMutableRawPointer

    init(_ rates: ClientRates) {
        guard Self.isInitialised, let multi = curl_multi_init() else {
            preconditionFailure("libcurl cannot start: out of memory")
        }
        self.multi = multi
        inbox = Mutex(Inbox(rates: rates))
        let thread = Thread { [self] in run() }
        thread.name = "http"
        thread.start()
    }

    /// Ends the thread, once nothing runs any more.
    func close() {
        inbox.withLock { $0.isClosed = true }
        wake()
    }

    func set(_ rates: ClientRates) {
        inbox.withLock { $0.rates = rates }
        wake()
    }

    private func wake() {
        inbox.withLock { if !$0.isOver { curl_multi_wakeup(multi) } }
    }

    /// Carries out a request, to its end or until the task is cancelled.
    func perform(_ transfer: CurlTransfer) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                transfer.continuation = continuation
                inbox.withLock { $0.arriving.append(transfer) }
                wake()
            }
        } onCancel: {
            transfer.isCancelled.store(true, ordering: .relaxed)
            wake()
        }
    }

    private func run() {
        // Writing to a connection the other side has closed must not end the program.
        var broken = sigset_t()
        sigemptyset(&broken)
        sigaddset(&broken, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &broken, nil)

        var running: [UnsafeMutableRawPointer: CurlTransfer] = [:]
        var idle: [UnsafeMutableRawPointer] = []
        var rates = inbox.withLock { $0.rates }
        while true {
            let (arriving, newRates, isClosed) = inbox.withLock { inbox in
                defer { inbox.arriving = [] }
                return (inbox.arriving, inbox.rates, inbox.isClosed)
            }
            if isClosed, arriving.isEmpty, running.isEmpty { break }
            if newRates != rates {
                rates = newRates
                for handle in running.keys { rates.apply(to: handle) }
            }
            for transfer in arriving { start(transfer, &running, &idle, rates) }
            var active: Int32 = 0
            curl_multi_perform(multi, &active)
            collect(&running, &idle)
            giveUp(&running, &idle)
            curl_multi_poll(multi, nil, 0, running.isEmpty ? 60_000 : 500, nil)
        }
        inbox.withLock { $0.isOver = true }
        for handle in idle { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
    }

    private func start(
        _ transfer: CurlTransfer, _ running: inout [UnsafeMutableRawPointer: CurlTransfer],
        _ idle: inout [UnsafeMutableRawPointer], _ rates: ClientRates
    ) {
        guard let handle = idle.popLast() ?? curl_easy_init() else {
            preconditionFailure("libcurl cannot start a transfer: out of memory")
        }
        curl_easy_reset(handle)
        transfer.prepare(handle, rates: rates)
        curl_multi_add_handle(multi, handle)
        running[handle] = transfer
    }

    /// Takes the transfers that libcurl has finished.
    private func collect(
        _ running: inout [UnsafeMutableRawPointer: CurlTransfer], _ idle: inout [UnsafeMutableRawPointer]
    ) {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left)?.pointee {
            guard message.msg == CURLMSG_DONE, let handle = message.easy_handle else { continue }
            end(handle, message.data.result, &running, &idle)
        }
    }

    /// Breaks off what was cancelled or does not move.
    private func giveUp(
        _ running: inout [UnsafeMutableRawPointer: CurlTransfer], _ idle: inout [UnsafeMutableRawPointer]
    ) {
        for (handle, transfer) in running {
            if transfer.isCancelled.load(ordering: .relaxed) {
                end(handle, CURLE_ABORTED_BY_CALLBACK, &running, &idle)
            } else if !transfer.isAlive(handle) {
                end(handle, CURLE_OPERATION_TIMEDOUT, &running, &idle, isStalled: true)
            }
        }
    }

    private func end(
        _ handle: UnsafeMutableRawPointer, _ code: CURLcode,
        _ running: inout [UnsafeMutableRawPointer: CurlTransfer], _ idle: inout [UnsafeMutableRawPointer],
        isStalled: Bool = false
    ) {
        guard let transfer = running.removeValue(forKey: handle) else { return }
        _ = transfer.isAlive(handle)
        transfer.end(code, handle, isStalled: isStalled)
        // Removing a handle in the middle of its transfer closes the connection.
        curl_multi_remove_handle(multi, handle)
        curl_easy_reset(handle)
        idle.append(handle)
        let waiting = transfer.continuation
        transfer.continuation = nil
        waiting?.resume()
    }
}
