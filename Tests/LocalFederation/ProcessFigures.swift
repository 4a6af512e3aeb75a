import Foundation
package import Glibc

/// What `/proc` says of processes.
package enum ProcessFigures {
    /// The processes of a tree, the root first.
    package static func tree(_ root: pid_t) -> [pid_t] {
        var children: [pid_t: [pid_t]] = [:]
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(entry), let parent = stat(pid)?.parent else { continue }
            children[parent, default: []].append(pid)
        }
        var found: [pid_t] = []
        var open = [root]
        while let next = open.popLast() {
            found.append(next)
            open += children[next] ?? []
        }
        return found
    }

    /// Seconds of processor time of a process and of its children that have ended.
    package static func seconds(_ pid: pid_t) -> Double { stat(pid)?.seconds ?? 0 }

    /// Peak resident memory in megabytes (10⁶ bytes), VmHWM.
    package static func peakMegabytes(_ pid: pid_t) -> Double {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") } ?? ""
        let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0
        return kilobytes * 1024 / 1e6
    }

    package static func command(_ pid: pid_t) -> String {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
        return text.split(separator: "\0").joined(separator: " ")
    }

    private static func stat(_ pid: pid_t) -> (parent: pid_t, seconds: Double)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 14, let parent = pid_t(fields[1]) else { return nil }
        let ticks = fields[11...14].reduce(0) { $0 + (Double($1) ?? 0) }
        return (parent, ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
    }
}
