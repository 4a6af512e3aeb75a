import Compute
package import Encoder
import Foundation
import Weights

/// Where a fit stands between two steps. With the parameters and the moments it is all a resumed fit needs: order and
/// dropped contrasts are functions of seed and epoch.
package struct FitState: Codable, Sendable, Equatable {
    /// The best epoch so far.
    package struct Best: Codable, Sendable, Equatable {
        package var epoch: Int
        /// Larger is better.
        package var score: Double
        package var loss: Double
        /// SHA-256 of the model file that holds it.
        package var digest: String
    }

    /// Epochs completed, validation included.
    package var epoch = 0
    /// Steps completed of the epoch under way.
    package var step = 0
    /// Steps of the optimiser.
    package var optimizerSteps = 0
    /// Sum over the epoch's steps of loss × cases, and the cases.
    package var lossSum = 0.0
    package var lossCases = 0
    /// Seconds spent in earlier runs.
    package var seconds = 0.0
    package var best: Best?

    package init() {}

    /// Whether a fit can stand here.
    /// - Parameters:
    ///   - steps: steps of an epoch.
    ///   - history: epochs of the history.
    func isPossible(epochs: Int, steps: Int, history: Int) -> Bool {
        guard (0...epochs).contains(epoch), (0...(epoch < epochs ? steps : 0)).contains(step) else { return false }
        return optimizerSteps == epoch * steps + step && history == epoch && lossSum.isFinite && lossCases >= 0
            && seconds.isFinite && seconds >= 0 && (best.map { $0.epoch >= 1 && $0.epoch <= epoch } ?? (epoch == 0))
    }
}

/// The last state of a fit on disk: parameters exact as fp32, moments, position, one file that is there whole or not at all.
package enum Checkpoint {
    /// The version of what a checkpoint holds. 2: the history is a tensor, for metadata are limited to a mebibyte.
    package static let format = 2
    private static let name = "consilium-checkpoint"
    private static let chunk = 1 << 20

    /// Writes `path`; the one before stays in place until the new one is durable.
    ///
    /// - Parameters:
    ///   - identity: what must be the same to go on, by name.
    ///   - history: rows of the history so far.
    package static func write(
        _ path: String, store: ParameterStore, optimizer: Optimizer, state: FitState, identity: [String: String],
        history: [EpochRecord]
    ) throws(TrainingError) {
        do {
            let metadata = [
                "format": "\(name) \(format)", "state": String(decoding: try json(state), as: UTF8.self),
                "identity": String(decoding: try json(identity), as: UTF8.self),
            ]
            let rows = [UInt8](try json(history))
            var entries = [
                SafetensorsWriter.Entry("history", .uint8, [rows.count]),
                SafetensorsWriter.Entry("parameters", .float32, [store.layout.count]),
            ]
            for (i, moment) in optimizer.moments.enumerated() {
                entries.append(.init("moment.\(i)", .float32, [moment.count]))
            }
            var writer = try SafetensorsWriter(path, entries: entries, metadata: metadata)
            try rows.withUnsafeBytes { try writer.append($0) }
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
            defer { buffer.deallocate() }
            var done = 0
            while done < store.layout.count, let base = buffer.baseAddress {
                let count = min(chunk, store.layout.count - done)
                store.read(done..<done + count, into: base)
                try writer.append(UnsafeBufferPointer(start: base, count: count))
                done += count
            }
            for moment in optimizer.moments { try writer.append(UnsafeBufferPointer(moment.elements)) }
            _ = try writer.finish()
        } catch {
            throw TrainingError(
                .cannotWrite, "The checkpoint could not be written, the one before it is intact: \(error)")
        }
    }

    /// Reads what a checkpoint says without its numbers.
    /// - Returns: nil when there is none.
    package static func read(_ path: String) throws(TrainingError)
        -> (state: FitState, identity: [String: String], history: [EpochRecord])?
    {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let file = try SafetensorsFile(path)
            guard let written = file.metadata["format"], written.hasPrefix(name + " ") else {
                throw TrainingError(.checkpoint, "it is no checkpoint of a fit")
            }
            guard written == "\(name) \(format)" else {
                throw TrainingError(.checkpoint, "it is of another release, \(written)")
            }
            var rows = [UInt8](repeating: 0, count: file.tensor("history")?.range.count ?? 0)
            try rows.withUnsafeMutableBytes { try file.readBytes("history", into: $0) }
            return (
                try parse(FitState.self, "state", Data((file.metadata["state"] ?? "").utf8)),
                try parse([String: String].self, "identity", Data((file.metadata["identity"] ?? "").utf8)),
                try parse([EpochRecord].self, "history", Data(rows))
            )
        } catch {
            throw TrainingError(
                .checkpoint, "The checkpoint \(path) cannot be read (\(error)): delete it to begin anew")
        }
    }

    /// Takes up the numbers of a checkpoint.
    package static func restore(_ path: String, store: ParameterStore, optimizer: Optimizer, state: FitState)
        throws(TrainingError)
    {
        do {
            let file = try SafetensorsFile(path)
            guard file.tensor("parameters")?.elements == store.layout.count else {
                throw TrainingError(.checkpoint, "it holds another number of parameters")
            }
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
            defer { buffer.deallocate() }
            var done = 0
            while done < store.layout.count, let base = buffer.baseAddress {
                let count = min(chunk, store.layout.count - done)
                try file.read("parameters", into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), offset: done)
                store.write(done..<done + count, from: base)
                done += count
            }
            store.refreshVectors()
            for (i, moment) in optimizer.moments.enumerated() {
                guard file.tensor("moment.\(i)")?.elements == moment.count else {
                    throw TrainingError(.checkpoint, "it holds another number of moments")
                }
                try file.read("moment.\(i)", into: moment.elements)
            }
            optimizer.resume(atStep: state.optimizerSteps)
        } catch {
            throw TrainingError(
                .checkpoint, "The checkpoint \(path) cannot be taken up (\(error)): delete it to begin anew")
        }
    }

    private static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(value)
    }

    private static func parse<Value: Decodable>(_ type: Value.Type, _ what: String, _ text: Data) throws -> Value {
        do { return try JSONDecoder().decode(type, from: text) } catch {
            throw TrainingError(.checkpoint, "its \(what) is damaged")
        }
    }
}
