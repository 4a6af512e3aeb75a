import AgentService
import ArgumentParser

/// Where a site's agent keeps what it knows.
struct StatePlace: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The site's state folder; $CONSILIUM_STATE, /var/lib/consilium-agent or ~/.consilium-agent by default.",
            valueName: "dir"), completion: .directory)
    var state: String?

    var folder: StateFolder { StateFolder(state ?? StateFolder.usual) }
}

/// A site's state folder and settings.
struct StateOptions: ParsableArguments {
    @OptionGroup var place: StatePlace

    @Option(
        help: "The site's settings; agent.yaml in the state folder by default.", completion: .file(extensions: ["yaml"])
    )
    var config: String?

    var folder: StateFolder { place.folder }
    var settings: String { config ?? folder.configuration }
}
