import CSandbox
import Foundation
import Glibc

/// Keeps `agent run` from scans: what it may open is a closed list, and the site's data are not on it.
package enum Confinement {
    /// To be called first thing, while the process has one thread.
    /// - Parameter configuration: path of `agent.yaml`.
    /// - Returns: lines for people: what holds, and what does not.
    package static func confine(_ folder: StateFolder, configuration: String) -> [String] {
        let manifests = (try? AgentConfiguration.read(configuration))?.manifests ?? []
        let outcome = Sandbox.restrictFiles(
            readable: Sandbox.systemFolders + mapped() + [settings(configuration, manifests + [folder.cache])],
            writable: [folder.path, "/dev/null"])
        var lines = ["sandbox: \(outcome.description)"]
        for path in manifests + [folder.cache] where isReadable(path) {
            lines.append(
                "WARNING: nothing keeps this process from the scans of \(path); use a kernel with Landlock and keep "
                    + "scans out of \(folder.path), or run `agent run` as a user who may not read them")
        }
        return lines
    }

    /// Cores would hold keys or scans, and so would what a debugger of the same user reads.
    package static func forbidCores() { cs_forbid_dumps() }

    /// The folder of the settings, so that they are read again after an editor replaced the file; only the file where
    /// data lie beside it.
    private static func settings(_ configuration: String, _ private: [String]) -> String {
        let folder = (configuration as NSString).deletingLastPathComponent
        return folder == "/" || `private`.contains { $0.hasPrefix(folder + "/") } ? configuration : folder
    }

    /// The program and the libraries it stands on, wherever they were installed.
    private static func mapped() -> [String] {
        let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
        let paths = maps.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "/").map { String(line[$0...]) }
        }
        return Set(paths).sorted()
    }

    private static func isReadable(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }
}
