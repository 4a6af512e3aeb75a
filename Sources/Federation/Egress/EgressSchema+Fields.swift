import Statistics

extension EgressSchema {
    /// The fields of a message of JSON; nil for kinds without a body and for bytes.
    package static func fields(of kind: EgressKind) -> [EgressField]? {
        switch kind {
        case .poll: poll
        case .consent: consent
        case .refusal: refusal
        case .updateHeader: updateHeader
        case .upload: [EgressField("header", .signed(.updateHeader), "what is said of the update")]
        case .report: report
        case .renewal: [EgressField("request", .pem(4096), "certificate request of a fresh key")]
        case .enrolment: enrolment
        case .updateFile, .fetch, .uploadStatus, .probe: nil
        }
    }

    /// The envelope of a signed message.
    static func envelope(_ kind: EgressKind) -> [EgressField] {
        [
            EgressField("text", .text(kind.limit ?? 0), "the message as JSON"),
            EgressField("signature", .hexadecimal(128), "Ed25519 over the kind's domain, a zero byte and the text"),
            EgressField("signer", .hexadecimal(64), "the site's public key"),
        ]
    }

    /// More than any count of cases, and below the weight that keeps the fold's products exact.
    static let mostCases = 1_000_000
    static let mostClasses = 100
    private static let counts = 0...mostCases
    private static let anyCount = 0...(1 << 50)

    private static let digest = EgressType.hexadecimal(64)
    private static let identity = [
        EgressField("federation", .text(100), "the federation's name"),
        EgressField("site", .name, "the site's name"),
    ]
    private static let software = EgressField("software", .text(200), "program, version and mathematics library")
    private static let round = EgressType.object([
        EgressField("study", .name, "the study"),
        EgressField("round", .integer(0...1_000_000), "its round"),
        EgressField("attempt", .integer(0...1_000_000), "the try of the round"),
    ])

    private static let poll = [
        software,
        EgressField(
            "head",
            .object([
                EgressField("sequence", .integer(anyCount), "rows"),
                EgressField("hash", digest, "the last row's hash"),
            ]), optional: true, "newest end of the transcript the agent has seen"),
        EgressField("known", .text(128), optional: true, "the last answer's token"),
        EgressField("wait", .integer(0...55), "seconds to wait for news"),
        EgressField(
            "activities",
            .list(
                .object([
                    EgressField("round", round, "what it works for"),
                    EgressField("phase", .choice(Activity.Phase.allCases.map(\.rawValue)), "what it is doing"),
                    EgressField("done", .integer(anyCount), "steps, cases or bytes done"),
                    EgressField("total", .integer(anyCount), "steps, cases or bytes in all"),
                ]), 0...64), "at most one a study"),
    ]

    private static let consent =
        identity + [
            EgressField("study", .name, "the study"),
            EgressField("plan", digest, "digest of the plan's text"),
            EgressField("agrees", .flag, "yes or no"),
            EgressField("reason", .sentence(300), optional: true, "why not"),
        ]

    private static let refusal =
        identity + [
            EgressField("round", round, "the assignment's round"),
            EgressField("kind", .choice(["train", "evaluate", "rehearse"]), "what was asked"),
            EgressField("reason", .choice(Refusal.Reason.allCases.map(\.rawValue)), "why not"),
            EgressField("detail", .sentence(300), "in words; names no case and no path"),
        ]

    private static let updateHeader =
        identity + [
            EgressField("round", round, "the assignment's round"),
            EgressField("plan", digest, "digest of the plan's text"),
            EgressField("base", digest, "digest of the model it was trained from"),
            EgressField(
                "update",
                .object([
                    EgressField("digest", digest, "SHA-256 of the update's file"),
                    EgressField("bytes", .integer(1...(1 << 40)), "its size"),
                ]), "the update's file"),
            EgressField("encoding", .choice(UpdateEncoding.allCases.map(\.rawValue)), "how its numbers are stored"),
            EgressField("samples", .integer(1...mostCases), "training cases; at least the least cohort"),
            EgressField("steps", .integer(0...1_000_000_000), "optimiser steps taken"),
            EgressField(
                "loss", .number(0...1e6), optional: true, "mean training loss; only with the least cohort"),
            EgressField(
                "lacking", .list(.choice(StudyPlan.everyContrast), 1...StudyPlan.everyContrast.count), optional: true,
                "contrasts of the plan that fewer training cases have than the least cohort"),
            software,
        ]

    private static let bin = EgressType.object([
        EgressField("first", .integer(0...63), "first of 64 bins of the logit"),
        EgressField("last", .integer(0...63), "last of the bins merged"),
        EgressField("positive", .integer(counts), "cases of the class"),
        EgressField("negative", .integer(counts), "cases of the others"),
    ])

    private static let moments = EgressType.object([
        EgressField("count", .integer(1...mostCases), "training cases; at least ten a dimension and the least cohort"),
        EgressField("sums", .list(.number(-1e12...1e12), 1...Familiarity.mostDimensions), "one a dimension"),
        EgressField("products", .list(.number(-1e12...1e12), 1...136), "of each pair of dimensions, summed"),
    ])

    private static let familiarity = EgressType.object([
        EgressField("model", digest, "digest of the model"),
        EgressField("seed", .integer(0...(1 << 53)), "of the projection of features"),
        EgressField("numbers", .integer(1...1000), "version of the numbers of images"),
        EgressField("features", moments, "of projected features"),
        EgressField("images", moments, "of numbers of the images, such as the brain's volume"),
    ])

    private static let report =
        identity + [
            EgressField("round", round, "the assignment's round"),
            EgressField("plan", digest, "digest of the plan's text"),
            EgressField(
                "cases", .list(.integer(counts), 1...mostClasses),
                "select cases of each class, with the least cohort of each; otherwise one number, of all together"),
            EgressField(
                "models",
                .list(
                    .object([
                        EgressField("model", digest, "digest of the model"),
                        EgressField("loss", .number(0...1e6), "mean cross entropy"),
                        EgressField("correct", .integer(counts), "cases whose most probable class is the true one"),
                        EgressField(
                            "histograms",
                            .list(
                                .object([
                                    EgressField("class", .integer(0...(mostClasses - 1)), "index of the class"),
                                    EgressField(
                                        "bins", .list(bin, 1...64),
                                        "least cohort of a bin in each; merged bins cover all 64"),
                                ]), 0...mostClasses),
                            "one a class, with the least cohort of each class; otherwise none"),
                    ]), 1...2), "base, then candidate"),
            EgressField(
                "familiarity", familiarity, optional: true,
                "what the training cases are like, as sums over all of them; where the plan asks for it"),
            software,
        ]

    private static let enrolment = [
        EgressField("site", .name, "the site's name"),
        EgressField("request", .pem(4096), "certificate request of the TLS key"),
        EgressField("signingKey", .hexadecimal(64), "public key that will sign"),
        EgressField("confirmation", .hexadecimal(64), "HMAC by the enrolment code"),
    ]
}
