import ArgumentParser
import CoordinatorService
import Federation

/// The sites of the federation.
struct SiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "site", abstract: "Admit sites, list them, take their right away.",
        subcommands: [Add.self, Approve.self, List.self, Revoke.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the one-time code by which a site enrols.",
            discussion: """
                The one line printed is all that the site's admin needs; hand it over by a way you trust. It works once, \
                for this name, for 72 hours, and is burned by five wrong tries. Asked again, the older code ends.
                """)

        @OptionGroup var options: StateOptions
        @Argument(help: "1 to 63 of a-z, 0-9 and -.") var name: String
        @Flag(help: "Approve as soon as a key comes with the right code, without asking; for scripted demonstrations.")
        var yesOnMatch = false

        func run() async throws {
            print(try await options.carryOut(AddSite(site: name, approvesOnMatch: yesOnMatch)).code)
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Admit the key that enrolled in a site's name.",
            discussion: "Compare the eight words with those the site's admin reads to you over the telephone.")

        @OptionGroup var options: StateOptions
        @Argument var name: String
        @Flag(name: [.long, .short], help: "Do not ask.") var yes = false

        func run() async throws {
            guard let row = try await options.carryOut(ListSites()).first(where: { $0.name == name }),
                row.standing == .pending, let key = row.publicKey
            else {
                throw OperatorError("no key waits for approval in the name of \(name); look at coordinator site list")
            }
            print("\(name)  \(row.fingerprint ?? "")")
            if !yes { try confirm("Does the site's admin read the same eight words? [y/N]") }
            let approved = try await options.carryOut(ApproveSite(site: name, publicKey: key))
            print("\(approved.name) is \(approved.standing.rawValue)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the sites.")

        @OptionGroup var options: StateOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let rows = try await options.carryOut(ListSites(), alone: true)
            try output.show(rows) {
                var table = TextTable("site", "state", "connections", "last seen", "code until", "fingerprint")
                for row in rows {
                    table.add(
                        row.name, row.standing.rawValue, "\(row.connections)", row.seen?.description ?? "–",
                        row.codeExpires?.description ?? "–", row.fingerprint ?? "–")
                }
                return rows.isEmpty ? ["No site yet; admit one with coordinator site add NAME"] : table.lines
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a site's right away and cut its connections.")

        @OptionGroup var options: StateOptions
        @Argument var name: String
        @Flag(name: [.long, .short], help: "Do not ask.") var yes = false

        func run() async throws {
            if !yes { try confirm("Revoke \(name)? It must enrol anew to come back. [y/N]") }
            let answer = try await options.carryOut(RevokeSite(site: name), alone: true)
            print("\(name) is revoked; \(answer.cut) connection\(answer.cut == 1 ? "" : "s") cut")
        }
    }
}
