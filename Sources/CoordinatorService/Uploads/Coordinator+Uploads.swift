import Cryptography
package import Federation
import Glibc
import GRDB
import Logging
import NIOCore
import Weights

extension Coordinator {
    /// Opens an upload, or finds it again.
    /// - Parameter site: the peer of the connection.
    /// - Throws: each reason an update can be refused for by its header alone, and what was found wrong with the same
    ///   bytes before.
    package func openUpload(_ request: UploadRequest, from site: String) async throws(Problem) -> UploadStatus {
        let (header, base, plan): (UpdateHeader, ObjectReference, StudyPlan)
        switch try state.admit(request.header, from: site) {
        case .received(let receipt):
            return try status(received: receipt, id: Self.uploadID(receipt.round, receipt.update.digest, site))
        case .wanted(let body, let reference, let study): (header, base, plan) = (body, reference, study)
        }
        do {
            let record = UploadRecord(
                id: Self.uploadID(header.round, header.update.digest, site), site: site, study: header.round.study,
                round: header.round.round, attempt: header.round.attempt,
                header: try MessageCoding.encode(request.header), digest: header.update.digest,
                bytes: header.update.bytes, offset: 0, complete: false)
            if let known = try await former(of: record) { return try await status(known) }
            // A wrong length is said before a byte is sent.
            _ = try verifier(header, base, plan)
            let path = uploadPath(record.id)
            try await Self.onThread { try UploadWriter.reserve(path, bytes: record.bytes) }
            try await store.transaction { db in try record.insert(db, onConflict: .ignore) }
            return UploadStatus(id: record.id, offset: 0, bytes: record.bytes)
        } catch {
            throw problem(error)
        }
    }

    /// How an upload stands.
    package func uploadStatus(_ id: String, of site: String) async throws(Problem) -> UploadStatus {
        do { return try await status(try await upload(id, of: site)) } catch { throw problem(error) }
    }

    /// The row of the same upload; one of other bytes makes room when it is not complete.
    private func former(of record: UploadRecord) async throws -> UploadRecord? {
        let rows = try await store.access { db in
            try UploadRecord.fetchAll(
                db, sql: "SELECT * FROM upload WHERE study = ? AND round = ? AND attempt = ? AND site = ?",
                arguments: [record.study, record.round, record.attempt, record.site])
        }
        guard let known = rows.first else { return nil }
        if known.id == record.id { return known }
        guard !known.complete else {
            throw Problem(.conflict, "\(record.site) has sent another update to this round; the first one counts.")
        }
        try await drop(known)
        return nil
    }

    /// The row of a site's own upload.
    func upload(_ id: String, of site: String) async throws -> UploadRecord {
        guard let record = try await store.access({ db in try UploadRecord.fetchOne(db, key: id) }), record.site == site
        else { throw Problem(.notFound, "There is no such upload; open it with POST /v1/uploads.") }
        return record
    }

    private func status(_ record: UploadRecord) async throws -> UploadStatus {
        if let problem = record.problem { throw try MessageCoding.decode(Problem.self, from: problem) }
        if record.complete, let receipt = state.receipt(for: record.reference, site: record.site) {
            return try status(received: receipt, id: record.id)
        }
        return UploadStatus(id: record.id, offset: record.offset, bytes: record.bytes)
    }

    private func status(received receipt: Receipt, id: String) throws(Problem) -> UploadStatus {
        do {
            let (bytes, signed) = (receipt.update.bytes, try signer.sign(receipt))
            return UploadStatus(id: id, offset: bytes, bytes: bytes, receipt: signed)
        } catch { throw problem(error) }
    }

    /// The same update of the same site to the same attempt has the same id: asking again finds it.
    static func uploadID(_ round: RoundReference, _ digest: String, _ site: String) -> String {
        var hash = SHA256()
        hash.update("\(round.study)\n\(round.round)\n\(round.attempt)\n\(site)\n\(digest)\n")
        return String(hash.finish().prefix(32))
    }

    func uploadPath(_ id: String) -> String { "\(store.folder.uploads)/\(id)" }

    func verifier(_ header: UpdateHeader, _ base: ObjectReference, _ plan: StudyPlan) throws -> UpdateVerifier {
        let model = try SafetensorsFile(store.objects.path(of: base.digest))
        return try UpdateVerifier(
            layout: try UpdateLayout(base: model.header, plan: plan), encoding: plan.encoding,
            bytes: header.update.bytes, maximumNorm: plan.maxNorm)
    }

    /// Removes an upload, its bytes and its row.
    func drop(_ record: UploadRecord) async throws {
        uploads.forget(record.id)
        try await store.transaction { db in _ = try record.delete(db) }
        unlink(uploadPath(record.id))
    }

    /// Removes the bytes of uploads that can no longer become part of their round.
    func sweepUploads() async {
        do {
            let open = try await store.access { db in
                try UploadRecord.fetchAll(db, sql: "SELECT * FROM upload WHERE NOT complete")
            }
            let state = state
            for record in open {
                let round = state.studies[record.study]?.openRound
                if round?.reference == record.reference, round?.phase == .collecting,
                    state.sites[record.site]?.standing == .active
                {
                    continue
                }
                try await drop(record)
            }
        } catch {
            logger.error("Uploads that are no longer wanted could not be removed: \(error)")
        }
    }
}
