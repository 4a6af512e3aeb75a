import ArgumentParser
import Imaging

extension Recipe.Name: ExpressibleByArgument {}

/// Whether scans with skull and scalp pass: the recipe's `unstripped` on the command line.
enum Unstripped: String, ExpressibleByArgument, CaseIterable { case refuse, allow }
