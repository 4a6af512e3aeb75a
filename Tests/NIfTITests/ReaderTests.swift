import Foundation
import Testing

import NIfTI

/// Reading whole files, from memory and from disk.
struct ReaderTests {
    @Test("Every voxel type in both byte orders and versions gives its values", arguments: NIfTIDatatype.allCases)
    func readsEveryType(_ datatype: NIfTIDatatype) throws {
        let limits: [NIfTIDatatype: [Double]] = [
            .uint8: [0, 255], .int8: [-128, 127], .int16: [-32768, 32767], .uint16: [0, 65535],
            .int32: [-2_147_483_648, 2_147_483_520], .uint32: [0, 4_294_967_040],
            .int64: [-9.223372036854775808e18, 9.007199254740992e15], .uint64: [0, 1.8446742974197924e19],
            .float32: [-3.5, 1e-38], .float64: [-3.5, 1.0e30],
        ]
        let values = try #require(limits[datatype]) + (1...58).map(Double.init)
        for version in 1...2 {
            for isBigEndian in [false, true] {
                var file = ForgedFile()
                (file.version, file.isBigEndian, file.datatype) = (version, isBigEndian, datatype.rawValue)
                file.dim = [3, 3, 4, 5, 1, 1, 1, 1]
                file.body = file.stored(values)
                let plain = try NIfTIFile.content(of: file.bytes)
                #expect(plain.floats() == values.map { Float($0) })
                #expect(plain.header.datatype == datatype)
                (file.slope, file.intercept) = (0.5, -10)
                let scaled = try NIfTIFile.content(of: file.bytes).image()
                #expect(scaled.voxels == values.map { Float($0 * 0.5 - 10) })
            }
        }
    }

    @Test("A part of the voxels converts to the same as the whole")
    func convertsParts() throws {
        var file = ForgedFile()
        (file.datatype, file.dim) = (4, [3, 20, 20, 20, 1, 1, 1, 1])
        let content = try NIfTIFile.content(of: file.bytes)
        let whole = content.floats()
        var part = [Float](repeating: -1, count: 1000)
        part.withUnsafeMutableBufferPointer { content.convert(from: 777, into: $0) }
        #expect(part == Array(whole[777..<1777]))
        #expect(content.withVoxelBytes { $0.count } == 16000)
    }

    @Test("Scaling is done in double, then rounded once")
    func scalesInDouble() throws {
        var file = ForgedFile()
        (file.datatype, file.slope, file.intercept) = (8, 2.3283064365386963e-10, 0.5)
        file.body = file.stored((0..<120).map { Double($0 * 17_895_697 - 1_000_000_000) })
        let slope = Double(Float(file.slope))
        let expected = (0..<120).map { Float(Double($0 * 17_895_697 - 1_000_000_000) * slope + 0.5) }
        #expect(try NIfTIFile.content(of: file.bytes).floats() == expected)
    }

    @Test("NaN and infinite voxels, and an image all of one value, are accepted and said")
    func warnsOfVoxels() throws {
        var file = ForgedFile()
        file.dim = [3, 50, 50, 50, 1, 1, 1, 1]
        var values = (0..<125_000).map { Double($0 % 7) }
        (values[3], values[70_000], values[124_999]) = (.nan, .infinity, -.infinity)
        file.body = file.stored(values)
        let content = try NIfTIFile.content(of: file.bytes)
        #expect(content.image().header.warnings == ["3 of 125000 voxels are NaN or infinite"])
        #expect(content.surveyed() == content.image().header)
        file.body = file.stored(Array(repeating: 4, count: 125_000))
        let constant = try NIfTIFile.content(of: file.bytes)
        #expect(constant.image().header.warnings == ["every voxel has the same value"])
        #expect(constant.surveyed() == constant.image().header)
        values = Array(repeating: 4, count: 124_999) + [5]
        file.body = file.stored(values)
        #expect(try NIfTIFile.content(of: file.bytes).surveyed().warnings == [])
    }

    @Test("A file one byte too short or too long is refused, plain and in gzip")
    func refusesWrongLengths() throws {
        let bytes = ForgedFile().bytes
        let shapes: [([UInt8], NIfTIError.Code)] = [(Array(bytes.dropLast()), .tooShort), (bytes + [0], .tooLong)]
        for (shape, code) in shapes {
            for file in [shape, StoredGzip.member(shape)] {
                let error = #expect(throws: NIfTIError.self) { try NIfTIFile.content(of: file) }
                #expect(error?.code == code)
            }
        }
    }

    @Test("An empty file and every cut of a gzip file are refused")
    func refusesCuts() {
        let file = StoredGzip.member(ForgedFile().bytes)
        for count in 0..<file.count {
            #expect(throws: NIfTIError.self) { try NIfTIFile.content(of: Array(file[..<count])) }
        }
    }

    @Test("Which of .nii and .nii.gz a file is, its bytes say and not its name")
    func looksAtBytes() throws {
        try TemporaryFolder.with { folder in
            let plain = folder + "/named.nii.gz"
            try Data(ForgedFile().bytes).write(to: URL(fileURLWithPath: plain))
            let wrapped = folder + "/named.nii"
            try Data(StoredGzip.member(ForgedFile().bytes)).write(to: URL(fileURLWithPath: wrapped))
            #expect(try NIfTIFile.read(plain).voxels == NIfTIFile.read(wrapped).voxels)
            #expect(try NIfTIFile.readHeader(plain) == NIfTIFile.readHeader(wrapped))
        }
    }

    @Test("A header is found behind a megabyte of extensions, in either wrapping")
    func readsLongHeaders() throws {
        var file = ForgedFile()
        file.extender = 1
        file.extensions = Array(
            repeatElement(file.entry(code: 6, text: String(repeating: "x", count: 16376)), count: 64).joined())
        try TemporaryFolder.with { folder in
            for (name, bytes) in [("a.nii", file.bytes), ("a.nii.gz", StoredGzip.member(file.bytes))] {
                let path = "\(folder)/\(name)"
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                #expect(try NIfTIFile.readHeader(path).extensions.count == 64)
                #expect(try NIfTIFile.read(path).voxels.count == 120)
            }
        }
    }

    @Test("A folder, a FIFO, a device and a missing file are refused at once, by name")
    func refusesWhatIsNoFile() throws {
        try TemporaryFolder.with { folder in
            let fifo = folder + "/pipe.nii"
            #expect(mkfifo(fifo, 0o600) == 0)
            let shapes: [(String, NIfTIError.Code)] = [
                (folder, .notARegularFile), (fifo, .notARegularFile), ("/dev/zero", .notARegularFile),
                (folder + "/none.nii", .cannotRead), ("a\0b", .cannotRead), ("", .cannotRead),
            ]
            for (path, code) in shapes {
                let error = #expect(throws: NIfTIError.self) { try NIfTIFile.read(path) }
                #expect(error?.code == code)
                #expect(error?.file == path)
                #expect(throws: NIfTIError.self) { try NIfTIFile.readHeader(path) }
            }
        }
    }

    @Test("The image half of a pair is refused by name")
    func namesThePair() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/scan.img"
            try Data(count: 4096).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: NIfTIError.self) { try NIfTIFile.read(path) }
            #expect(error?.description.contains("scan.img: this is the image of a .hdr/.img pair") == true)
        }
    }
}

/// A folder that is gone after the test.
enum TemporaryFolder {
    static func with(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nifti-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
