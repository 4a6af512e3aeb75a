import Compute
import Foundation

/// All measurements, each in a child process; with a Python interpreter, the same work in PyTorch and MONAI in turn.
struct Suite {
    /// An interpreter with the packages of `peers/requirements.txt`; without one, only our own work is measured.
    let python: String?

    /// A measurement: the name its figures go by, our arguments, and the peer's script with its arguments.
    private struct Entry {
        let name: String
        let ours: [String]
        var peer: [String]?
        /// What the ratio is called, for example `vs_pytorch`.
        var against = "vs_pytorch"
        /// Pairs of runs in turn with the peer.
        var pairs = 3
    }

    private func entries(_ case240: [String]) -> [Entry] {
        var entries: [Entry] = []
        for (preset, batch, precision, runs) in [
            ("lamim", 1, "bf16", 5), ("lamim", 1, "fp32", 3), ("lamim", 4, "bf16", 2), ("base", 1, "bf16", 9),
            ("small", 1, "bf16", 30), ("small96", 1, "bf16", 30),
        ] {
            entries.append(
                Entry(
                    name: "train.\(preset).b\(batch).\(precision)",
                    ours: ["train", preset, "\(batch)", precision, "\(runs)"],
                    peer: ["train_step.py", preset, "\(batch)", precision, "train", "\(runs)"]))
        }
        entries.append(
            Entry(
                name: "fit.base.b8.bf16", ours: ["fit", "base", "bf16", "4"],
                peer: ["train_step.py", "base", "8", "bf16", "train", "4"]))
        for (preset, precision, runs) in [
            ("lamim", "bf16", 7), ("lamim", "fp32", 5), ("base", "bf16", 15), ("small", "bf16", 50),
        ] {
            entries.append(
                Entry(
                    name: "infer.\(preset).\(precision)", ours: ["infer", preset, precision, "\(runs)"],
                    peer: ["train_step.py", preset, "1", precision, "infer", "\(runs)"]))
        }
        for (name, recipe) in [("prepare.case", "lamim-finetune"), ("prepare.case.pretrain", "lamim-pretrain")] {
            entries.append(
                Entry(
                    name: name, ours: ["prepare", recipe, "9"] + case240,
                    peer: ["prepare_case.py", recipe] + case240 + ["--runs", "9"], against: "vs_monai"))
        }
        entries.append(Entry(name: "prepare.case.consilium", ours: ["prepare", "consilium", "9"] + case240))
        entries.append(Entry(name: "gemm", ours: ["gemm"]))
        entries.append(Entry(name: "floor", ours: ["floor"]))
        entries.append(Entry(name: "fold.345x8", ours: ["fold", "345", "8", "5"]))
        let half = (try? Device(precision: .bf16, threads: 1)) != nil
        return entries.filter { half || !$0.name.contains("bf16") }
    }

    func run() throws {
        var results: [String: Any] = [
            "machine": Self.machine, "date": ISO8601DateFormatter().string(from: Date()),
        ]
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-bench-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for entry in entries(try PrepareCase.case240(in: folder)) {
            do { try measure(entry, into: &results) } catch { say("\(entry.name): \(error)") }
            let json = try JSONSerialization.data(withJSONObject: results, options: [.prettyPrinted, .sortedKeys])
            try FileManager.default.createDirectory(atPath: "Benchmarks/results", withIntermediateDirectories: true)
            try json.write(to: URL(filePath: "Benchmarks/results/latest.json"), options: .atomic)
        }
        say("written to Benchmarks/results/latest.json")
    }

    private func measure(_ entry: Entry, into results: inout [String: Any]) throws {
        var ours: [[String: Double]] = []
        var theirs: [[String: Double]] = []
        for _ in 0..<(python == nil || entry.peer == nil ? 1 : entry.pairs) {
            ours.append(try child(CommandLine.arguments[0], entry.ours))
            if let python, let peer = entry.peer {
                theirs.append(try child(python, ["Benchmarks/peers/\(peer[0])"] + peer.dropFirst()))
            }
        }
        for key in ours[0].keys.sorted() {
            let value = ours.compactMap { $0[key] }.median
            let name = key.hasPrefix("gemm.") ? key : "\(entry.name).\(key)"
            results[name] = value
            show(name, value)
        }
        guard !theirs.isEmpty else { return }
        let ratio = zip(theirs, ours).compactMap { pair in
            pair.0["seconds"].flatMap { t in pair.1["seconds"].map { t / $0 } }
        }.median
        results["\(entry.name).\(entry.against)"] = ratio
        show("\(entry.name).\(entry.against)", ratio)
        results["\(entry.name).peer_seconds"] = theirs.compactMap { $0["seconds"] }.median
        results["\(entry.name).peer_peak_gib"] = theirs.compactMap { $0["peak_gib"] }.median
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private func show(_ name: String, _ value: Double) {
        say("\(name.padding(toLength: 52, withPad: " ", startingAt: 0)) \(String(format: "%10.4f", value))")
    }

    /// Runs a program and reads the JSON object it prints last.
    private func child(_ program: String, _ arguments: [String]) throws -> [String: Double] {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let last = String(decoding: output, as: UTF8.self).split(separator: "\n").last ?? ""
        guard process.terminationStatus == 0,
            let figures = try? JSONDecoder().decode([String: Double].self, from: Data(last.utf8))
        else { throw BenchError("`\(program) \(arguments.joined(separator: " "))` printed no figures") }
        return figures
    }

    /// The processor's name, its count and the memory.
    private static var machine: String {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model =
            info.split(separator: "\n").first { $0.hasPrefix("model name") }?
            .split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
        let process = ProcessInfo.processInfo
        return "\(model), \(process.activeProcessorCount) processors, \(process.physicalMemory >> 30) GiB"
    }
}
