import Compute
package import Weights

/// A model on disk: safetensors of fp32 tensors under LaMIM's names, its description in the metadata.
///
/// Also reads imported encoder files, which have no description: their shape is deduced from the tensors.
package struct ModelFile: Sendable {
    package let file: SafetensorsFile
    package let description: ModelDescription
    /// Whether the file says what it is; if not, the configuration was deduced from shapes.
    package let isDescribed: Bool

    /// Values read or written at a time.
    private static let chunk = 1 << 20

    /// Opens a file and checks names and shapes of its encoder; reads no values.
    /// - Throws: ``EncoderError`` with one sentence naming the first tensor that is missing or does not fit.
    package init(_ path: String) throws(EncoderError) {
        do { file = try SafetensorsFile(path) } catch { throw EncoderError(.weights, error.description) }
        if let written = try ModelDescription(metadata: file.metadata, path: path) {
            description = written
            isDescribed = true
        } else {
            let (licence, lineage) = ModelDescription.descent(file.metadata)
            let model = try ModelConfiguration(deducedFrom: file)
            description = ModelDescription(configuration: model, licenceReference: licence, lineage: lineage)
            isDescribed = false
        }
        let layout = ParameterLayout(description.configuration)
        for parameter in layout.parameters where isDescribed || !Self.mayBeAbsent(parameter.name) {
            try require(parameter)
        }
    }

    /// Heads, the decoder of masked pretraining and the vectors of absent contrasts are ours: published encoders come
    /// without.
    private static func mayBeAbsent(_ name: String) -> Bool {
        name == ParameterLayout.absentContrasts || ParameterLayout.isHead(name)
            || name.hasPrefix(ParameterLayout.maskDecoder)
    }

    private func require(_ parameter: Parameter) throws(EncoderError) {
        let expected = "expected \(Self.shape(parameter.shape))"
        guard let tensor = file.tensor(parameter.name) else {
            throw EncoderError(
                .weights,
                "\(file.path) has no tensor \(parameter.name) (\(expected)): these are not weights of this model")
        }
        guard tensor.shape == parameter.shape, tensor.type.isFloatingPoint else {
            throw EncoderError(
                .weights,
                "\(file.path): the tensor \(parameter.name) is \(tensor.type.rawValue) \(Self.shape(tensor.shape)), "
                    + "\(expected) floating-point numbers: these are not weights of this model")
        }
    }

    private static func shape(_ shape: [Int]) -> String { "(" + shape.map(String.init).joined(separator: ", ") + ")" }

    /// Whether it holds any part of a classification head.
    package var hasHead: Bool { file.tensors.contains { ParameterLayout.isHead($0.name) } }

    /// Fills a store for training.
    ///
    /// The store may have another head than the file, or one where the file has none: parameters that are not taken
    /// keep what the store holds, so initialise it first.
    /// - Parameter head: whether to take the file's head where it has the store's shape.
    /// - Returns: names of the parameters that were not taken from the file.
    package func load(into store: ParameterStore, head: Bool = true) throws(EncoderError) -> [String] {
        var kept: [String] = []
        // A head is one thing: half of it from the file and half new would be neither.
        let parts = store.layout.parameters.filter { ParameterLayout.isHead($0.name) }
        let takesHead = head && parts.allSatisfy { file.tensor($0.name)?.shape == $0.shape }
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.chunk)
        defer { buffer.deallocate() }
        for parameter in store.layout.parameters {
            let isAbsent = Self.mayBeAbsent(parameter.name) && file.tensor(parameter.name) == nil
            if ParameterLayout.isHead(parameter.name) ? !takesHead : isAbsent {
                kept.append(parameter.name)
                continue
            }
            try require(parameter)
            var done = 0
            while done < parameter.count {
                let count = min(Self.chunk, parameter.count - done)
                let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                try read(parameter.name, into: piece, offset: done)
                if let base = piece.baseAddress {
                    store.write(parameter.offset + done..<parameter.offset + done + count, from: base)
                }
                done += count
            }
        }
        store.refreshVectors()
        return kept
    }

    /// Fills parameters for inference, one tensor at a time. The decoder is left out: classification never runs it.
    package func load(into parameters: PackedParameters) throws(EncoderError) {
        for (index, parameter) in parameters.layout.parameters.enumerated()
        where !Trainable.decoderOnly(parameter.name) {
            let values: Buffer<Float>
            do { values = try Buffer(count: parameter.count) } catch { throw EncoderError(error) }
            // An imported classifier has no vectors for absent contrasts: zeros leave it as it was published.
            if file.tensor(parameter.name) != nil || !Self.mayBeAbsent(parameter.name) {
                try require(parameter)
                try read(parameter.name, into: values.elements, offset: 0)
            } else if ParameterLayout.isHead(parameter.name) {
                try require(parameter)
            }
            try parameters.set(index, to: values.base)
        }
    }

    private func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>, offset: Int) throws(EncoderError)
    {
        do { try file.read(name, into: buffer, offset: offset) } catch {
            throw EncoderError(.weights, error.description)
        }
    }

    /// Writes a store as a model file: complete and durable, or nothing.
    /// - Returns: the SHA-256 of the file.
    package static func save(_ store: ParameterStore, as description: ModelDescription, to path: String)
        throws(EncoderError) -> String
    {
        let metadata = try description.metadata()
        let entries = store.layout.parameters.map { SafetensorsWriter.Entry($0.name, .float32, $0.shape) }
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
        defer { buffer.deallocate() }
        do throws(WeightsError) {
            var writer = try SafetensorsWriter(path, entries: entries, metadata: metadata)
            for parameter in store.layout.parameters {
                var done = 0
                while done < parameter.count {
                    let count = min(chunk, parameter.count - done)
                    let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                    if let base = piece.baseAddress {
                        store.read(parameter.offset + done..<parameter.offset + done + count, into: base)
                    }
                    try writer.append(UnsafeBufferPointer(piece))
                    done += count
                }
            }
            return try writer.finish()
        } catch { throw EncoderError(.weights, error.description) }
    }
}

extension ParameterLayout {
    /// Whether a parameter belongs to a classification head.
    package static func isHead(_ name: String) -> Bool { name.hasPrefix("FC.") || name.hasPrefix("head.") }
}
