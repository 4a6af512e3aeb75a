import Compute
import Foundation

/// All measurements, each in a child process; with the peers' folder, the same work in their programs in turn.
struct Suite {
    /// `Benchmarks/peers`, with a virtual environment for each of `requirements*.txt`; without it, only our own work is
    /// measured.
    let peers: String?
    /// Beginnings of names of measurements; all when it is empty.
    var only: [String] = []

    /// The same work in somebody else's program.
    private struct Peer {
        /// What the ratio is called, for example `vs_pytorch`.
        let against: String
        /// The virtual environment's folder.
        var environment = ".venv"
        /// The script and its arguments.
        let command: [String]
    }

    /// A measurement: the name its figures go by, our arguments, and the peers.
    private struct Entry {
        let name: String
        let ours: [String]
        var peers: [Peer] = []
        /// Runs in turn with the peers.
        var turns = 3
    }

    private func entries(_ case240: [String]) -> [Entry] {
        var entries: [Entry] = []
        for (preset, batch, precision, runs) in [
            ("lamim", 1, "bf16", 5), ("lamim", 1, "fp32", 3), ("lamim", 4, "bf16", 2), ("base", 1, "bf16", 9),
            ("small", 1, "bf16", 30), ("small96", 1, "bf16", 30), ("resnet", 1, "fp32", 5), ("resnet", 4, "fp32", 3),
        ] {
            entries.append(
                Entry(
                    name: "train.\(preset).b\(batch).\(precision)",
                    ours: ["train", preset, "\(batch)", precision, "\(runs)"],
                    peers: [Self.pytorch(preset, "\(batch)", precision, "train", "\(runs)")]))
        }
        for (preset, batch, precision, runs) in [
            ("lamim", 2, "bf16", 3), ("base", 2, "bf16", 5), ("base", 2, "fp32", 5),
        ] {
            entries.append(
                Entry(
                    name: "pretrain.blocks16.\(preset).b\(batch).\(precision)",
                    ours: ["pretrain", preset, "blocks16", "\(batch)", precision, "\(runs)"],
                    peers: [Self.pytorch(preset, "\(batch)", precision, "pretrain", "\(runs)")]))
            entries.append(
                Entry(
                    name: "pretrain.masked.\(preset).b\(batch).\(precision)",
                    ours: ["pretrain", preset, "masked", "\(batch)", precision, "\(runs)"]))
        }
        entries.append(
            Entry(
                name: "fit.base.b8.bf16", ours: ["fit", "base", "bf16", "4"],
                peers: [Self.pytorch("base", "8", "bf16", "train", "4")]))
        for (preset, precision, runs) in [
            ("lamim", "bf16", 7), ("lamim", "fp32", 5), ("base", "bf16", 15), ("small", "bf16", 50),
        ] {
            entries.append(
                Entry(
                    name: "infer.\(preset).\(precision)", ours: ["infer", preset, precision, "\(runs)"],
                    peers: [Self.pytorch(preset, "1", precision, "infer", "\(runs)")]))
        }
        for (name, recipe) in [("prepare.case", "lamim-finetune"), ("prepare.case.pretrain", "lamim-pretrain")] {
            entries.append(
                Entry(
                    name: name, ours: ["prepare", recipe, "9"] + case240,
                    peers: [
                        Peer(against: "vs_monai", command: ["prepare_case.py", recipe] + case240 + ["--runs", "9"])
                    ]))
        }
        entries.append(Entry(name: "prepare.case.consilium", ours: ["prepare", "consilium", "9"] + case240))
        entries.append(Entry(name: "gemm", ours: ["gemm"]))
        entries.append(Entry(name: "floor", ours: ["floor"]))
        entries.append(Entry(name: "fold.345x8", ours: ["fold", "345", "8", "5"]))
        entries.append(Entry(name: "load.1000x20x100", ours: ["load"]))
        for (megabytes, sites, rounds) in [(1, 8, 20), (100, 2, 8), (345, 2, 8), (345, 8, 4), (2024, 8, 2)] {
            let size = ["\(megabytes)", "\(sites)"]
            // The largest are compared by what is written of the peers: they take minutes a round.
            let peers =
                megabytes * sites > 700
                ? []
                : [
                    Peer(against: "vs_flower", environment: ".venv-flower", command: ["echo_flower.py"] + size + ["4"]),
                    Peer(
                        against: "vs_nvflare", environment: ".venv-nvflare", command: ["echo_nvflare.py"] + size + ["4"]
                    ),
                    Peer(
                        against: "vs_nvflare_tcp", environment: ".venv-nvflare",
                        command: ["echo_nvflare.py"] + size + ["4", "tcp"]),
                ]
            entries.append(
                Entry(
                    name: "round.\(megabytes)x\(sites)", ours: ["rounds"] + size + ["\(rounds)"], peers: peers, turns: 1
                ))
        }
        let half = (try? Device(precision: .bf16, threads: 1)) != nil
        return entries.filter { entry in
            (half || !entry.name.contains("bf16"))
                && (only.isEmpty || only.contains { entry.name.hasPrefix($0) })
        }
    }

    private static func pytorch(_ arguments: String...) -> Peer {
        Peer(against: "vs_pytorch", command: ["train_step.py"] + arguments)
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
        var theirs: [[[String: Double]]] = entry.peers.map { _ in [] }
        for _ in 0..<(peers == nil || entry.peers.isEmpty ? 1 : entry.turns) {
            ours.append(try child(CommandLine.arguments[0], entry.ours))
            guard let peers else { break }
            for (index, peer) in entry.peers.enumerated() {
                let script = ["\(peers)/\(peer.command[0])"] + peer.command.dropFirst()
                do {
                    theirs[index].append(try child("\(peers)/\(peer.environment)/bin/python", script))
                } catch { say("\(entry.name).\(peer.against): \(error)") }
            }
        }
        for key in ours[0].keys.sorted() {
            let value = ours.compactMap { $0[key] }.median
            let name = key.hasPrefix("gemm.") ? key : "\(entry.name).\(key)"
            results[name] = value
            show(name, value)
        }
        for (peer, theirs) in zip(entry.peers, theirs) where theirs.count == ours.count {
            let ratio = zip(theirs, ours).compactMap { pair in
                pair.0["seconds"].flatMap { t in pair.1["seconds"].map { t / $0 } }
            }.median
            results["\(entry.name).\(peer.against)"] = ratio
            show("\(entry.name).\(peer.against)", ratio)
            let name = peer.against.dropFirst("vs_".count)
            for key in theirs[0].keys.sorted() {
                results["\(entry.name).\(name).\(key)"] = theirs.compactMap { $0[key] }.median
            }
        }
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
