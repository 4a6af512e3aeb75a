/// What a checkpoint's container and pickle say, before any tensor byte is read.
struct CheckpointContent {
    let tensors: [(name: String, tensor: PickleTensor)]
    let places: [String: Checkpoint.Place]

    /// Dictionaries within dictionaries followed.
    private static let depthLimit = 4

    /// Reads the container of PyTorch 1.6 and later.
    init(zip file: ReadableFile) throws(WeightsError) {
        let archive = try ZipArchive(file)
        let pickles = archive.entries.values.filter {
            $0.name.hasSuffix("/data.pkl") && $0.name.split(separator: "/").count == 2
        }
        guard pickles.count == 1, let pickle = pickles.first else {
            throw WeightsError(.malformed, "it is a ZIP file without one data.pkl; it is not a PyTorch checkpoint")
        }
        let folder = pickle.name.dropLast("data.pkl".count)
        if let order = archive.entries[folder + "byteorder"] {
            guard order.range.count <= 16, try file.bytes(order.range) == Array("little".utf8) else {
                throw WeightsError(.refused, "its numbers are not little-endian; save the checkpoint anew")
            }
        }
        guard pickle.range.count <= PickleMachine.Limit.bytes else {
            throw WeightsError(.limitExceeded, "its data.pkl is longer than the 4 MiB allowed")
        }
        let bytes = try file.bytes(pickle.range)
        let (tensors, storages) = try bytes.withUnsafeBufferPointer {
            buffer throws(WeightsError) -> ([(name: String, tensor: PickleTensor)], [String: PickleStorage]) in
            var machine = PickleMachine(UnsafeRawBufferPointer(buffer), fileOffset: pickle.range.lowerBound)
            let root = try machine.load()
            // After the pickle, so that a hostile name is reported before a mere checksum.
            var crc = CRC32()
            crc.update(UnsafeRawBufferPointer(buffer))
            guard crc.value == pickle.crc, machine.position == buffer.count else {
                throw WeightsError(.malformed, "its data.pkl at offset \(pickle.range.lowerBound) is damaged")
            }
            return (try Self.collect(root, machine), machine.storages)
        }
        var places: [String: Checkpoint.Place] = [:]
        for storage in storages.values {
            guard let entry = archive.entries["\(folder)data/\(storage.key)"] else {
                throw WeightsError(.malformed, "its storage “\(printable(storage.key))” is missing")
            }
            guard entry.range.count == storage.elements * storage.type.size else {
                throw WeightsError(
                    .malformed,
                    "its storage “\(printable(storage.key))” at offset \(entry.range.lowerBound) has "
                        + "\(entry.range.count) bytes, not those of \(storage.elements) elements")
            }
            places[storage.key] = Checkpoint.Place(range: entry.range, crc: entry.crc)
        }
        self.tensors = tensors
        self.places = places
    }

    /// Reads the container before PyTorch 1.6: magic number, protocol, system, object, storage keys, then the storages.
    init(legacy file: ReadableFile) throws(WeightsError) {
        let prefix = try file.bytes(0..<min(file.size, PickleMachine.Limit.bytes))
        let magic = PickleValue.long([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19])
        let (tensors, storages, dataStart) = try prefix.withUnsafeBufferPointer {
            buffer throws(WeightsError) -> ([(name: String, tensor: PickleTensor)], [PickleStorage], Int) in
            var machine = PickleMachine(UnsafeRawBufferPointer(buffer), fileOffset: 0)
            guard try machine.load() == magic, try machine.load() == .integer(1_001) else {
                throw WeightsError(.malformed, "it is a pickle but not a PyTorch checkpoint")
            }
            guard case .dictionary(let system) = try machine.load() else {
                throw WeightsError(.malformed, "it is a pickle but not a PyTorch checkpoint")
            }
            let isLittle = machine.dictionaries[system].contains {
                $0.key == .string("little_endian") && $0.value == .bool(true)
            }
            guard isLittle else {
                throw WeightsError(.refused, "its numbers are not little-endian; save the checkpoint anew")
            }
            let root = try machine.load()
            guard case .list(let list) = try machine.load() else {
                throw WeightsError(.malformed, "its list of storages at offset \(machine.position) is missing")
            }
            var storages: [PickleStorage] = []
            for key in machine.sequences[list] {
                guard case .string(let key) = key, let storage = machine.storages[key] else {
                    throw WeightsError(
                        .malformed, "its list of storages at offset \(machine.position) names an unknown one")
                }
                storages.append(storage)
            }
            return (try Self.collect(root, machine), storages, machine.position)
        }
        var places: [String: Checkpoint.Place] = [:]
        var position = dataStart
        for storage in storages {
            let bytes = storage.elements * storage.type.size
            guard position <= file.size - 8, bytes <= file.size - 8 - position else {
                throw WeightsError(.malformed, "it is cut short: its storage at offset \(position) is incomplete")
            }
            let claimed = try file.bytes(position..<(position + 8)).enumerated().reduce(UInt64(0)) {
                $0 | UInt64($1.element) << (8 * UInt64($1.offset))
            }
            guard claimed == UInt64(storage.elements) else {
                throw WeightsError(.malformed, "its storage at offset \(position) is described in two ways")
            }
            let range = (position + 8)..<(position + 8 + bytes)
            guard places.updateValue(Checkpoint.Place(range: range, crc: nil), forKey: storage.key) == nil else {
                throw WeightsError(.malformed, "its storage “\(printable(storage.key))” appears twice")
            }
            position += 8 + bytes
        }
        guard position == file.size else {
            throw WeightsError(.malformed, "bytes follow its last storage at offset \(position)")
        }
        for (_, tensor) in tensors where places[tensor.storage.key] == nil {
            throw WeightsError(.malformed, "its storage “\(printable(tensor.storage.key))” is missing")
        }
        self.tensors = tensors
        self.places = places
    }

    /// The tensors of a checkpoint's dictionary and of dictionaries within it under textual keys.
    ///
    /// The way to a dictionary (`state_dict`, `model`) is no part of its tensors' names. Optimisers keep theirs under
    /// numbers, so they are not followed.
    private static func collect(
        _ root: PickleValue, _ machine: borrowing PickleMachine
    ) throws(WeightsError) -> [(name: String, tensor: PickleTensor)] {
        guard case .dictionary(let index) = root else {
            throw WeightsError(.malformed, "it holds no dictionary of tensors")
        }
        var tensors: [(name: String, tensor: PickleTensor)] = []
        var visited: Set<Int> = []
        var level = [index]
        for _ in 0...depthLimit {
            var next: [Int] = []
            for dictionary in level where visited.insert(dictionary).inserted {
                for (key, value) in machine.dictionaries[dictionary] {
                    guard case .string(let name) = key else { continue }
                    switch value {
                    case .tensor(let tensor): tensors.append((name, tensor))
                    case .dictionary(let inner) where !name.hasPrefix("optimizer"): next.append(inner)
                    default: break
                    }
                }
            }
            level = next
        }
        guard !tensors.isEmpty else { throw WeightsError(.malformed, "it holds no tensors") }
        guard tensors.count <= SafetensorsHeader.Limit.tensors else {
            throw WeightsError(.limitExceeded, "it holds more than 10,000 tensors")
        }
        return tensors
    }
}
