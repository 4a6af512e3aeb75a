import Glibc

/// The corpus the fuzzer starts from: every voxel type, byte order and version, and one file for each trap known.
enum FuzzSeeds {
    static func write(to folder: String) {
        mkdir(folder, 0o755)
        for (name, bytes) in sound + hostile + wrapped {
            guard let file = fopen("\(folder)/\(name)", "w") else {
                fatalError("the seed folder \(folder) is writable")
            }
            bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }
    }

    private static var sound: [(String, [UInt8])] {
        var seeds: [(String, [UInt8])] = []
        for version in 1...2 {
            for isBigEndian in [false, true] {
                for datatype in NIfTIDatatype.allCases {
                    var file = small
                    file.version = version
                    file.isBigEndian = isBigEndian
                    file.datatype = datatype.rawValue
                    seeds.append(("sound-\(version)-\(isBigEndian ? "big" : "little")-\(datatype.name)", file.bytes))
                }
            }
        }
        return seeds
    }

    private static var small: ForgedFile {
        var file = ForgedFile()
        file.dim = [3, 2, 3, 2, 1, 1, 1, 1]
        return file
    }

    private static func altered(_ change: (inout ForgedFile) -> Void) -> [UInt8] {
        var file = small
        change(&file)
        return file.bytes
    }

    private static var hostile: [(String, [UInt8])] {
        let shapes: [(String, (inout ForgedFile) -> Void)] = [
            ("dim0-200", { $0.dim[0] = 200 }), ("dim0-minus", { $0.dim[0] = -1 }),
            ("dims-huge", { $0.dim = [7, 32767, 32767, 32767, 32767, 32767, 32767, 32767] }),
            ("dims-huge-2", { ($0.version, $0.dim) = (2, [4, .max, .max, .max, .max, 1, 1, 1]) }),
            ("dims-2-to-29", { $0.dim = [3, 2048, 2048, 128, 1, 1, 1, 1] }),
            ("four", { $0.dim = [4, 2, 2, 2, 4, 1, 1, 1] }),
            ("offset-nan", { $0.voxelOffset = .nan }), ("offset-infinite", { $0.voxelOffset = .infinity }),
            ("offset-1e30", { $0.voxelOffset = 1e30 }), ("offset-half", { $0.voxelOffset = 352.5 }),
            ("qform", { ($0.qformCode, $0.sformCode, $0.quaternion) = (1, 0, [0.1, 0.2, 0.3]) }),
            ("qform-long", { ($0.qformCode, $0.sformCode, $0.quaternion) = (1, 0, [9, 9, 9]) }),
            ("no-form", { $0.sformCode = 0 }), ("flat", { $0.srow = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0] }),
            ("scaled", { ($0.datatype, $0.slope, $0.intercept) = (4, 0.5, -10) }), ("slope-nan", { $0.slope = .nan }),
            ("complex", { $0.datatype = 32 }), ("rgb", { $0.datatype = 128 }), ("bit", { $0.datatype = 1 }),
            ("pair", { $0.magic = [0x6e, 0x69, 0x31, 0] }), ("analyze", { $0.magic = [0, 0, 0, 0] }),
            ("text", { ($0.descrip, $0.auxFile, $0.dbName) = ("DOE^JANE 19700101", "/home/jane/scan", "MRN 1234567") }),
        ]
        let chains: [(String, (inout ForgedFile) -> Void)] = [
            ("extension", { ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "made by hand")) }),
            ("extension-0", { ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "loop", size: 0)) }),
            ("extension-minus", { ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "back", size: -16)) }),
            ("extension-over", { ($0.extender, $0.extensions) = (1, $0.entry(code: 4, text: "over", size: 32)) }),
            (
                "extensions",
                { file in
                    let entry = file.entry(code: 6, text: "one of three")
                    (file.extender, file.extensions) = (1, entry + entry + entry)
                }
            ),
            ("extension-huge", { ($0.extender, $0.extensions) = (1, $0.entry(code: 4, text: "far", size: .max)) }),
            ("padding", { $0.extensions = Array("left over bytes.".utf8) }),
        ]
        return (shapes + chains).map { ("shape-\($0.0)", altered($0.1)) }
    }

    private static var wrapped: [(String, [UInt8])] {
        let file = small.bytes
        let name = Array("scan.nii".utf8) + [0]
        return [
            ("gzip", StoredGzip.member(file)), ("gzip-name", StoredGzip.member(file, flags: 8, extra: name)),
            ("gzip-extra", StoredGzip.member(file, flags: 4, extra: [2, 0, 7, 7])),
            ("gzip-two", StoredGzip.member(file[..<100]) + StoredGzip.member(file[100...])),
            ("gzip-crc", StoredGzip.member(file, crc: 1)), ("gzip-trailing", StoredGzip.member(file) + [0, 0]),
            (
                "gzip-deflated",
                (try? NIfTIFile.encode(
                    voxels: Array(repeating: 1, count: 64), dims: [4, 4, 4],
                    affine: Affine(spacing: (1, 1, 1)), datatype: .int16)) ?? []
            ),
        ]
    }
}
