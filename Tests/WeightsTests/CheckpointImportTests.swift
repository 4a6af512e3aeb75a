import Foundation
import Testing
import Weights

/// Checkpoints written by PyTorch 2.13, the legacy one by its old serialisation.
@Suite struct CheckpointImportTests {
    private func importing(_ source: String, _ folder: String, licence: String? = nil) throws -> (
        ImportReport, SafetensorsFile
    ) {
        let target = folder + "/out.safetensors"
        let report = try WeightsImport(
            source: source, target: target, licenceReference: licence, program: "test"
        ).run()
        return (report, try SafetensorsFile(target))
    }

    @Test(
        "every container gives the tensors PyTorch saved, without prefixes",
        arguments: ["ckpt_zip_ddp.pth", "ckpt_legacy_ddp.pth", "ckpt_zip_parameter.pth", "ckpt_zip_mixed_strided.pth"])
    func golden(name: String) throws {
        try withTemporaryFolder { folder in
            let (report, file) = try importing(Golden.path(name), folder, licence: "letter of 3 May")
            let expected = try SafetensorsFile(Golden.path("ckpt_expected.safetensors"))
            for tensor in expected.tensors {
                let name = String(tensor.name.dropFirst("module.".count))
                let imported = try #require(file.tensor(name))
                #expect(imported.shape == tensor.shape)
                #expect(imported.type == tensor.type)
                #expect(try file.floats(name) == expected.floats(tensor.name))
            }
            #expect(file.metadata["licence_ref"] == "letter of 3 May")
            #expect(file.metadata["imported_by"] == "test")
            #expect(file.metadata["source_sha256"] == report.sourceDigest)
            #expect(
                report.missing == ["patch_embedding.patch_embeddings.weight", "conv3d_transpose.weight"])
            #expect(
                report.lines.contains(
                    "No licence found for these weights. Obtain written permission before training on or releasing from them"
                ))
            #expect(try contents(of: folder) == ["out.safetensors"])
        }
    }

    @Test("views, shared storages and every type keep their values and types")
    func mixed() throws {
        try withTemporaryFolder { folder in
            let (report, file) = try importing(Golden.path("ckpt_zip_mixed_strided.pth"), folder)
            let types = ["a": "F32", "b": "F32", "h": "F16", "bf": "BF16", "d": "F64", "i": "I64"]
            for (name, type) in types { #expect(file.tensor(name)?.type.rawValue == type) }
            // “a” is a transposed view of the storage of which “b” is elements 3…8.
            let a = try file.floats("a")
            let b = try file.floats("b")
            #expect(file.tensor("a")?.shape == [6, 4])
            #expect((0..<3).allSatisfy { a[(3 + $0) * 4] == b[$0] })
            #expect((0..<3).allSatisfy { a[$0 * 4 + 1] == b[3 + $0] })
            #expect(Set(report.unexpected) == Set(types.keys))
            #expect(file.metadata["licence_ref"] == nil)
        }
    }

    @Test("the metadata PyTorch keeps beside a state dictionary is passed over")
    func moduleMetadata() throws {
        try withTemporaryFolder { folder in
            let (report, file) = try importing(Golden.path("ckpt_zip_with_metadata.pth"), folder)
            #expect(file.tensors.map(\.name) == ["weight", "bias"])
            #expect(report.unexpected == ["weight", "bias"])
            #expect(report.missing.count == 3 + 11 + 6)
        }
    }

    @Test(
        "a checkpoint that would run code is refused by the name it asks for, and nothing is written",
        arguments: [("ckpt_hostile_zip.pth", "78"), ("ckpt_hostile_raw.pkl", "13")])
    func hostile(name: String, offset: String) throws {
        try withTemporaryFolder { (folder) throws in
            let error = #expect(throws: WeightsError.self) { try importing(Golden.path(name), folder) }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("posix.system") == true)
            #expect(error?.message.contains(name) == true)
            #expect(error?.message.contains("\n") == false)
            #expect(try contents(of: folder) == [])
        }
    }

    @Test("the golden truncated checkpoint is refused in one sentence")
    func truncated() throws {
        try withTemporaryFolder { (folder) throws in
            let error = #expect(throws: WeightsError.self) { try importing(Golden.path("ckpt_truncated.pth"), folder) }
            #expect(error?.message.contains("cut short") == true)
            #expect(try contents(of: folder) == [])
        }
    }

    @Test(
        "a checkpoint cut at any byte is refused, and nothing is written",
        arguments: ["ckpt_zip_with_metadata.pth", "ckpt_legacy_ddp.pth"])
    func truncatedEverywhere(name: String) throws {
        let bytes = try Golden.bytes(name)
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/cut.pth"
            // Every byte of the pickles and containers; the storages' insides in steps.
            for count in 0..<bytes.count where count < 800 || bytes.count - count < 64 || count % 61 == 0 {
                try Data(bytes[..<count]).write(to: URL(fileURLWithPath: path))
                #expect(throws: WeightsError.self, "cut at \(count)") { try importing(path, folder) }
            }
            #expect(try contents(of: folder) == ["cut.pth"])
        }
    }

    @Test("a byte changed anywhere gives a refusal or finite tensors, never a trap")
    func damagedEverywhere() throws {
        for name in ["ckpt_zip_with_metadata.pth", "ckpt_legacy_ddp.pth"] {
            let bytes = try Golden.bytes(name)
            try withTemporaryFolder { folder in
                let path = folder + "/damaged.pth"
                for position in 0..<min(bytes.count, 1_200) {
                    var damaged = bytes
                    damaged[position] ^= [0x01, 0x80, 0xff][position % 3]
                    try Data(damaged).write(to: URL(fileURLWithPath: path))
                    do {
                        let (_, file) = try importing(path, folder)
                        try file.requireFinite()
                    } catch is WeightsError {}
                }
                #expect(try contents(of: folder).allSatisfy { !$0.hasSuffix(".partial") })
            }
        }
    }

    @Test("a damaged storage is found by its checksum")
    func checksum() throws {
        var bytes = try Golden.bytes("ckpt_zip_ddp.pth")
        // The first value of data/0: its local header is at 2,198, its bytes begin at the next multiple of 64 after it, 2,304.
        bytes[2_304] ^= 1
        let damaged = bytes
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/damaged.pth"
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: WeightsError.self) { try importing(path, folder) }
            #expect(error?.message.contains("storage “0”") == true)
            #expect(try contents(of: folder) == ["damaged.pth"])
        }
    }
}
