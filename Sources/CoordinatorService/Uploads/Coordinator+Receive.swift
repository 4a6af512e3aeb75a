package import Federation
import Glibc
import GRDB
import Logging
package import NIOCore
import Transport

/// Gives the bytes of a body as they arrive.
///
/// It refuses a body longer than `limit` bytes, and throws when the line is cut.
package typealias UploadBody =
    @Sendable (_ limit: Int, _ take: (ByteBuffer) async throws -> Void) async throws -> Void

extension Coordinator {
    /// Bytes handed to the disk at once.
    private static var portion: Int { 1 << 20 }
    /// Bytes after which the row follows what is durable; after a crash no more than this, and a piece, comes again.
    private static var recorded: Int { 24 << 20 }

    /// Takes bytes of an upload until the body ends or the line is cut.
    ///
    /// - Parameters:
    ///   - site: the peer of the connection.
    ///   - offset: where the bytes begin.
    ///   - length: bytes of the body as announced; nil when they are not.
    ///   - body: is read once everything else is right.
    /// - Returns: how the upload stands; with a receipt when it is complete.
    /// - Throws: `.wrongOffset` with the right one; what is wrong with the update, of which then nothing is kept.
    package func receive(
        at offset: Int, length: Int?, of id: String, from site: String, body: @escaping UploadBody
    ) async throws(Problem) -> UploadStatus {
        do {
            let session = uploads.session(try await upload(id, of: site))
            guard await session.turn.take() else { throw Self.displaced }
            defer { session.turn.leave() }
            guard uploads.isCurrent(session, of: id) else { throw Self.gone }
            return try await receive(at: offset, length: length, of: id, from: site, in: session, body: body)
        } catch {
            throw problem(error)
        }
    }

    private static let displaced = Problem(
        .busy, "Another connection has gone on with this upload; ask how it stands before sending more.")
    private static let gone = Problem(.notFound, "This upload is no longer wanted; ask for work again.")

    private func receive(
        at offset: Int, length: Int?, of id: String, from site: String, in session: UploadSession,
        body: @escaping UploadBody
    ) async throws -> UploadStatus {
        // As it is now that the turn has come.
        let record = try await upload(id, of: site)
        if record.complete || record.problem != nil { return try await uploadStatus(id, of: site) }
        let header = try MessageCoding.decode(Signed<UpdateHeader>.self, from: record.header)
        guard case .wanted(let update, let base, let plan) = try state.admit(header, from: site) else {
            return try await uploadStatus(id, of: site)
        }
        let durable = try await session.open {
            try UploadWriter(
                self.uploadPath(id), bytes: record.bytes, durable: record.offset,
                verifier: try self.verifier(update, base, plan))
        }
        guard offset == durable else {
            throw Problem(
                .wrongOffset, "The coordinator has \(durable) bytes of this upload; go on there.", offset: durable)
        }
        if let length, length > record.bytes - durable {
            throw Problem(.tooLarge, "The body is longer than the \(record.bytes - durable) bytes that are missing.")
        }
        let outcome = await consume(body, limit: record.bytes - durable, record, session)
        if case .failure(let problem as Problem) = outcome { return try await refuse(record, session, problem) }
        let kept = try await keepDurable(record, session)
        guard uploads.isCurrent(session, of: id) else { throw Self.gone }
        guard kept == record.bytes else {
            try outcome.get()
            return UploadStatus(id: id, offset: kept, bytes: record.bytes)
        }
        return try await complete(record, header, update, session)
    }

    /// Takes the body in; ended by its end, a cut line, or a newer connection.
    private func consume(
        _ body: @escaping UploadBody, limit: Int, _ record: UploadRecord, _ session: UploadSession
    ) async -> Result<Void, any Error> {
        let task = Task {
            // Copied together: kept as they came, pieces of a few bytes would each hold a whole buffer of the line.
            var pool = BufferPool(capacity: Self.portion + (512 << 10))
            var portion = pool.take()
            var noted = record.offset
            // While one portion goes to the disk the next comes in.
            var underWay: Task<Int, any Error>?
            do {
                try await body(limit) { buffer in
                    portion.writeImmutableBuffer(buffer)
                    guard portion.readableBytes >= Self.portion else { return }
                    if let durable = try await underWay?.value, durable - noted >= Self.recorded {
                        try await self.note(durable, of: record)
                        noted = durable
                    }
                    let next = portion
                    pool.lend(next)
                    underWay = Task { try await session.add(next) }
                    portion = pool.take()
                }
            } catch {
                // What came before the line was cut is kept, and nothing is still being added when this is left.
                _ = try? await underWay?.value
                if !(error is Problem) { _ = try await session.add(portion) }
                throw error
            }
            _ = try await underWay?.value
            _ = try await session.add(portion)
            try Task.checkCancellation()
        }
        guard session.turn.cutting(by: { task.cancel() }) else {
            task.cancel()
            _ = await task.result
            return .failure(Self.displaced)
        }
        let outcome = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        guard case .failure(let error) = outcome, !(error is Problem) else { return outcome }
        if error is CancellationError { return .failure(Self.displaced) }
        logger.info("The line was cut during an upload of \(record.site): \(error)")
        return .failure(Problem(.busy, "The body ended too soon; ask how the upload stands and go on there."))
    }

    /// Makes what came durable, and says so in the row.
    private func keepDurable(_ record: UploadRecord, _ session: UploadSession) async throws -> Int {
        do {
            let durable = try await session.synchronise() ?? record.offset
            try await note(durable, of: record)
            return durable
        } catch {
            await session.close()
            throw error
        }
    }

    private func note(_ durable: Int, of record: UploadRecord) async throws {
        try await store.transaction { db in
            try db.execute(
                sql: "UPDATE upload SET offset = ? WHERE id = ? AND offset < ?",
                arguments: [durable, record.id, durable])
        }
    }

    /// Says what is wrong with an update. The reason stays with the row, the bytes go; what is wrong at the coordinator
    /// itself keeps what is durable.
    private func refuse(
        _ record: UploadRecord, _ session: UploadSession, _ problem: Problem
    ) async throws -> UploadStatus {
        guard problem.isOfUpdate else {
            if problem.code != .internalError { _ = try await keepDurable(record, session) }
            // After a failed write the verifier has seen what the file does not hold; it reads the file again.
            if problem.code == .internalError || problem.code == .diskFull { await session.close() }
            throw problem
        }
        logger.notice("Update of \(record.site) for \(record.study) refused: \(problem.message)")
        await session.close()
        uploads.forget(record.id)
        let text = try MessageCoding.encode(problem)
        try await store.transaction { db in
            try db.execute(sql: "UPDATE upload SET offset = 0, problem = ? WHERE id = ?", arguments: [text, record.id])
        }
        unlink(uploadPath(record.id))
        throw problem
    }

    private func complete(
        _ record: UploadRecord, _ header: Signed<UpdateHeader>, _ update: UpdateHeader, _ session: UploadSession
    ) async throws -> UploadStatus {
        do {
            guard let verified = try await session.finish(digest: record.digest) else { throw Self.gone }
            try await keep(
                uploadPath(record.id), as: update.update,
                by: .receive(header, from: record.site, norm: verified.norm), actor: record.site
            ) { db in
                try db.execute(
                    sql: "UPDATE upload SET offset = bytes, complete = 1 WHERE id = ?", arguments: [record.id])
            }
        } catch let problem as Problem {
            return try await refuse(record, session, problem)
        }
        uploads.forget(record.id)
        return try await uploadStatus(record.id, of: record.site)
    }
}

extension Problem {
    /// Whether it is about the bytes of an update, and would be the same again.
    var isOfUpdate: Bool {
        switch code {
        case .wrongSize, .wrongDigest, .wrongFormat, .missingTensor, .extraTensor, .wrongName, .wrongOrder, .tooShort,
            .tooManyBytes, .wrongShape, .wrongType, .notANumber, .infinite, .tooLong, .wrongEncoding:
            true
        default: false
        }
    }
}
