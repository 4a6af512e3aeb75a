import ArgumentParser

/// A command whose process gives up rights first thing: what is given up by the only thread holds for all that follow.
protocol ConfinedCommand: ParsableCommand {
    func confine() throws
}
