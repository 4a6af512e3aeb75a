import Foundation

extension Doctor {
    private static let gibibyte = 1 << 30

    static func machine(_ evidence: DoctorEvidence) -> [DoctorCheck] {
        [disk(evidence), memory(evidence), processor(evidence), sandbox(evidence)]
    }

    /// Base, update and the copy in the making; what is prepared of the scans comes on top.
    private static func disk(_ evidence: DoctorEvidence) -> DoctorCheck {
        guard let free = evidence.freeDisk else {
            return DoctorCheck(
                .disk, .failed, "the state folder's disk cannot be looked at", remedy: "check that the folder exists")
        }
        let need = evidence.modelBytes.map { 3 * $0 + gibibyte } ?? 2 * gibibyte
        guard free >= need else {
            if evidence.isAtWork { return DoctorCheck(.disk, .skipped, "a task is under way and takes disk itself") }
            return DoctorCheck(
                .disk, .failed, "\(size(free)) are free in the state folder and \(size(need)) are needed",
                remedy: "free space, or move the state folder")
        }
        return DoctorCheck(.disk, .ok, "\(size(free)) are free, \(size(need)) are needed")
    }

    /// Weights, gradients and two moments in fp32, and activations of about as much again.
    private static func memory(_ evidence: DoctorEvidence) -> DoctorCheck {
        guard let available = evidence.availableMemory else {
            return DoctorCheck(.memory, .skipped, "this system does not tell its memory")
        }
        let need = evidence.modelBytes.map { 8 * $0 } ?? 2 * gibibyte
        guard available >= need else {
            if evidence.isAtWork {
                return DoctorCheck(.memory, .skipped, "a task is under way and takes memory itself")
            }
            return DoctorCheck(
                .memory, .failed,
                "\(size(available)) of memory are available and about \(size(need)) are needed to train",
                remedy: "end other programs, add memory, or train the head only")
        }
        return DoctorCheck(.memory, .ok, "\(size(available)) are available")
    }

    private static func processor(_ evidence: DoctorEvidence) -> DoctorCheck {
        guard let flags = evidence.processorFlags else {
            return DoctorCheck(.processor, .ok, "not x86-64: portable kernels are used")
        }
        guard flags.contains("avx2"), flags.contains("fma") else {
            return DoctorCheck(
                .processor, .warning, "the processor has no AVX2: training takes many times as long",
                remedy: "use a machine of 2014 or later, or let the virtual machine show its host's processor")
        }
        let best = ["avx512_bf16", "avx512f", "avx2"].first { flags.contains($0) } ?? "avx2"
        return DoctorCheck(.processor, .ok, "it has \(best)")
    }

    private static func sandbox(_ evidence: DoctorEvidence) -> DoctorCheck {
        guard let offer = evidence.sandbox else {
            return DoctorCheck(.sandbox, .skipped, "it could not be tried: the program cannot be started again")
        }
        let missing = offer.network.missing + offer.files.missing
        guard offer.network.holds else {
            return DoctorCheck(
                .sandbox, .failed,
                "nothing can keep the worker from the network: \(offer.network.missing.joined(separator: ", "))",
                remedy: "use a kernel with seccomp or user namespaces, or the packages' systemd units")
        }
        guard offer.files.holds else {
            return DoctorCheck(
                .sandbox, .warning,
                "nothing keeps the worker from the keys, nor agent run from scans: "
                    + offer.files.missing.joined(separator: ", "),
                remedy: "use a kernel with Landlock (5.13 or later), or the packages' systemd units")
        }
        let enforced = (offer.network.enforced + offer.files.enforced).joined(separator: ", ")
        guard missing.isEmpty else {
            return DoctorCheck(
                .sandbox, .warning, "enforced: \(enforced); not: \(missing.joined(separator: ", "))",
                remedy: "use the packages' systemd units, which close the rest")
        }
        return DoctorCheck(.sandbox, .ok, enforced)
    }

    static func data(_ evidence: DoctorEvidence) -> DoctorCheck {
        if evidence.configurationProblem != nil {
            return DoctorCheck(.data, .skipped, "the settings that name the data cannot be read")
        }
        guard !evidence.data.isEmpty else {
            return DoctorCheck(
                .data, .warning, "no manifest is named in the settings",
                remedy: "name the site's manifest under data in agent.yaml")
        }
        for data in evidence.data {
            if let first = data.problems.first {
                let more = data.problems.count > 1 ? " (and \(data.problems.count - 1) more)" : ""
                return DoctorCheck(
                    .data, .failed, first + more, remedy: "agent check --data \(data.manifest) tells all of it")
            }
        }
        let cases = evidence.data.map(\.cases).reduce(0, +)
        return DoctorCheck(
            .data, .ok,
            "\(cases) cases in \(evidence.data.count) manifest\(evidence.data.count == 1 ? "" : "s") can be opened")
    }

    private static func size(_ bytes: Int) -> String {
        let gibibytes = Double(bytes) / Double(gibibyte)
        return gibibytes >= 10 ? "\(Int(gibibytes)) GiB" : "\((gibibytes * 10).rounded() / 10) GiB"
    }
}
