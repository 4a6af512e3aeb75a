import Cryptography
import Glibc

/// Turns a PyTorch checkpoint into a safetensors file, once, reading the checkpoint as hostile bytes.
package struct WeightsImport: Sendable {
    /// The checkpoint.
    package let source: String
    /// Where the safetensors file goes.
    package let target: String
    /// Who permitted the use of the weights, and where that is written; kept in the file as `licence_ref`.
    package let licenceReference: String?
    /// The program that imports, kept in the file as `imported_by`.
    package let program: String

    package init(source: String, target: String, licenceReference: String?, program: String) {
        self.source = source
        self.target = target
        self.licenceReference = licenceReference
        self.program = program
    }

    /// Whether two paths lead to one file, by another spelling or a link.
    private static func isSameFile(_ a: String, _ b: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    /// Reads, checks and writes. Memory does not grow with the checkpoint.
    /// - Throws: `WeightsError` in one sentence naming the checkpoint and the global, tensor or offset; nothing is then
    ///   written.
    package func run() throws(WeightsError) -> ImportReport {
        guard source != target, !Self.isSameFile(source, target) else {
            throw WeightsError(.cannotWrite, "\(target) is the checkpoint itself; give another path for the result")
        }
        let file = try ReadableFile(source)
        let checkpoint: Checkpoint
        let digest: String
        var selection: ImportSelection
        do throws(WeightsError) {
            checkpoint = try Checkpoint(file)
            selection = try ImportSelection(checkpoint.tensors)
            try checkpoint.verifyChecksums()
            var hash = SHA256()
            try file.forEachChunk(0..<file.size) { (bytes) throws(WeightsError) in hash.update(bytes) }
            digest = hash.finish()
        } catch {
            throw error.about("\(source) cannot be imported")
        }

        var metadata = ["format": "pt", "source_sha256": digest, "imported_by": program]
        metadata["licence_ref"] = licenceReference
        var writer = try SafetensorsWriter(
            target, entries: selection.tensors.map { .init($0.name, $0.tensor.storage.type, $0.tensor.shape) },
            metadata: metadata)
        for (name, tensor) in selection.tensors {
            try checkpoint.forEachChunk(of: tensor) { (bytes) throws(WeightsError) in
                guard allFinite(bytes, tensor.storage.type) else {
                    throw WeightsError(
                        .notFinite,
                        "\(source) cannot be imported: its tensor \(name) holds a value that is infinite or not a number"
                    )
                }
                try writer.append(bytes)
            }
        }
        return ImportReport(
            source: source, target: target, licenceReference: licenceReference, sourceDigest: digest,
            targetDigest: try writer.finish(), tensors: selection.tensors.count,
            elements: selection.tensors.reduce(0) { $0 + $1.tensor.elements }, ignored: selection.ignored,
            missing: selection.missing, unexpected: selection.unexpected)
    }
}

/// The tensors of a checkpoint that are kept, under LaMIM's names.
struct ImportSelection {
    var tensors: [(name: String, tensor: PickleTensor)] = []
    var ignored: [String] = []
    let missing: [String]
    let unexpected: [String]

    init(_ all: [(name: String, tensor: PickleTensor)]) throws(WeightsError) {
        var names: Set<String> = []
        for (raw, tensor) in all {
            let name = LaMIMKeys.stripped(raw)
            guard !LaMIMKeys.isUnusedByModel(name) else {
                ignored.append(name)
                continue
            }
            guard !name.isEmpty, name != "__metadata__", name.utf8.count <= SafetensorsHeader.Limit.nameBytes,
                name.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
            else { throw WeightsError(.malformed, "the name “\(printable(raw))” cannot be kept") }
            guard names.insert(name).inserted else {
                throw WeightsError(
                    .malformed, "two tensors are named \(name); save a checkpoint that holds one state dictionary")
            }
            tensors.append((name, tensor))
        }
        guard !tensors.isEmpty else { throw WeightsError(.malformed, "it holds no tensors of the model") }
        let expected = LaMIMKeys.expected(for: names)
        let known = Set(expected)
        missing = expected.filter { !names.contains($0) }
        unexpected = tensors.map(\.name).filter { !known.contains($0) }
    }
}
