import Cryptography
import Glibc
import Weights

/// What was found of an update when its last byte was there.
package struct VerifiedUpdate: Sendable, Equatable {
    /// SHA-256 of the file.
    package let digest: String
    package let bytes: Int
    /// L2 norm of the whole delta.
    package let norm: Double
}

/// Verifies an update as its bytes pass, in pieces of any size: digest, header, finite numbers, norm, length.
///
/// What can be told from the header is told as soon as the header is there, so that a site does not send a gigabyte in
/// vain. It holds at most the header in memory.
///
/// ```swift
/// var verifier = try UpdateVerifier(layout: layout, encoding: .f32, bytes: header.update.bytes)
/// try verifier.add(piece)
/// let update = try verifier.finish(digest: header.update.digest)
/// ```
package struct UpdateVerifier: ~Copyable {
    private let layout: UpdateLayout
    private let encoding: UpdateEncoding
    private let bytes: Int
    private let maximumNorm: Double?
    private var hash = SHA256()
    private var norm: RunningNorm
    /// The file's beginning until its header is complete.
    private var prefix: [UInt8] = []
    /// Bytes before the numbers, once known and checked.
    private var dataStart: Int?
    /// Bytes seen.
    package private(set) var offset = 0
    /// The first thing found wrong; what follows is no longer looked at.
    package private(set) var problem: Problem?

    /// - Parameters:
    ///   - layout: the tensors expected.
    ///   - bytes: the length the site announced.
    ///   - maximumNorm: the plan's `max_norm`; nil without limit.
    /// - Throws: `Problem` `.wrongSize` when no update has that length; what else may be wrong with the length is told
    ///   when the header shows why.
    package init(
        layout: UpdateLayout, encoding: UpdateEncoding, bytes: Int, maximumNorm: Double? = nil
    ) throws(Problem) {
        guard (8...layout.fileLimit).contains(bytes) else {
            throw Problem(
                .wrongSize,
                "An update of \(bytes) bytes was announced, but one of this plan has about"
                    + " \(layout.dataBytes(encoding)); train from the round's base.")
        }
        self.layout = layout
        self.encoding = encoding
        self.bytes = bytes
        self.maximumNorm = maximumNorm
        norm = RunningNorm(encoding)
    }

    /// Takes the next bytes.
    /// - Throws: the first `Problem` found, now or before.
    package mutating func add(_ piece: UnsafeRawBufferPointer) throws(Problem) {
        if let problem { throw problem }
        do throws(Problem) { try take(piece) } catch {
            problem = error
            throw error
        }
    }

    /// Takes the next bytes.
    package mutating func add(_ piece: [UInt8]) throws(Problem) {
        try piece.withUnsafeBufferPointer { (buffer) throws(Problem) in try add(UnsafeRawBufferPointer(buffer)) }
    }

    /// Takes what is already in a file: what is durable of an update after a restart, or an update about to be sent.
    /// - Parameters:
    ///   - path: the file.
    ///   - count: bytes of it that count; nil for all.
    package mutating func resume(fromFile path: String, count: Int? = nil) throws(Problem) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path) }
        defer { close(descriptor) }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { chunk.deallocate() }
        var left = count ?? Int.max
        while left > 0 {
            let got = read(descriptor, chunk.baseAddress, min(chunk.count, left))
            if got > 0 {
                try add(UnsafeRawBufferPointer(rebasing: chunk[..<got]))
                left -= got
            } else if got == 0, count == nil {
                return
            } else if got == 0 || errno != EINTR {
                throw Self.unreadable(path)
            }
        }
    }

    /// Ends the update.
    /// - Parameter digest: what the site signed.
    /// - Throws: the first `Problem` found.
    package consuming func finish(digest: String) throws(Problem) -> VerifiedUpdate {
        if let problem { throw problem }
        guard offset == bytes else {
            throw Problem(
                .tooShort, "The update ended after \(offset) of \(bytes) bytes; send the rest or write it again.")
        }
        let (length, finding) = norm.finish()
        if let finding { throw problem(finding) }
        let actual = hash.finish()
        guard actual == digest else {
            throw Problem(
                .wrongDigest,
                "The update's bytes have the digest \(actual.prefix(16))…, but \(digest.prefix(16))… was"
                    + " signed; the file changed after it was signed: write and sign it again.")
        }
        if let maximumNorm, length > maximumNorm {
            throw Problem(
                .tooLong,
                "The update's norm \(short(length)) is above the plan's max_norm \(short(maximumNorm));"
                    + " check the learning rate and the data, and ask the coordinator.")
        }
        return VerifiedUpdate(digest: actual, bytes: bytes, norm: length)
    }

    private mutating func take(_ piece: UnsafeRawBufferPointer) throws(Problem) {
        guard piece.count <= bytes - offset else {
            throw Problem(
                .tooManyBytes, "The update goes on after the \(bytes) bytes announced; write and sign it again.")
        }
        hash.update(piece)
        offset += piece.count
        guard dataStart == nil else { return try measure(piece) }
        let start = prefix.count
        // Enough to complete the header whatever it says, never more than is allowed to be held.
        prefix.append(contentsOf: piece.prefix(layout.prefixLimit + 8 - start))
        guard let end = try readHeader() else { return }
        dataStart = end
        prefix = []
        try measure(UnsafeRawBufferPointer(rebasing: piece[(end - start)...]))
    }

    /// - Returns: where the numbers begin, once the header is complete and right.
    private func readHeader() throws(Problem) -> Int? {
        guard prefix.count >= 8 else { return nil }
        let length = prefix[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(layout.prefixLimit - 8), length <= UInt64(bytes - 8) else {
            throw Problem(
                .wrongFormat,
                "The update is not a usable safetensors file: its header claims \(length) bytes;"
                    + " write it again.")
        }
        let end = 8 + Int(length)
        guard prefix.count >= end else { return nil }
        try layout.check(try parse(Array(prefix[..<end])), encoding: encoding)
        return end
    }

    private func parse(_ prefix: [UInt8]) throws(Problem) -> SafetensorsHeader {
        do throws(WeightsError) {
            return try SafetensorsHeader.parse(prefix, fileSize: bytes)
        } catch {
            // A header that is right for another length is no malformed header.
            let right = prefix.count + layout.dataBytes(encoding)
            if right != bytes, (try? SafetensorsHeader.parse(prefix, fileSize: right)) != nil {
                throw Problem(
                    bytes < right ? .tooShort : .tooManyBytes,
                    "The update has \(bytes) bytes, but its header describes \(right); write it again.")
            }
            throw Problem(
                .wrongFormat, "The update is not a usable safetensors file: \(error.message); write it again.")
        }
    }

    private mutating func measure(_ numbers: UnsafeRawBufferPointer) throws(Problem) {
        if let finding = norm.add(numbers) { throw problem(finding) }
    }

    private func problem(_ finding: RunningNorm.Finding) -> Problem {
        let (tensor, element) = layout.place(of: finding.index)
        return finding.isNaN
            ? Problem(
                .notANumber,
                "The update's tensor \(tensor) holds a value that is not a number, at element \(element);"
                    + " look at the training loss and train again.")
            : Problem(
                .infinite,
                "The update's tensor \(tensor) holds an infinite value, at element \(element); lower the"
                    + " learning rate and train again.")
    }

    private static func unreadable(_ path: String) -> Problem {
        Problem(.internalError, "\(path) cannot be read as far as it should be there; look at the disk.")
    }
}
