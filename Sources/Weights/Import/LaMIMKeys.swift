/// The names of LaMIM's tensors (LAMIM.md §2).
package enum LaMIMKeys {
    /// A name without the prefixes of wrapping modules: `module.` (distributed training), `model.` (the classifier).
    package static func stripped(_ name: String) -> String {
        var rest = name[...]
        while true {
            if rest.hasPrefix("module.") {
                rest = rest.dropFirst("module.".count)
            } else if rest.hasPrefix("model.") {
                rest = rest.dropFirst("model.".count)
            } else {
                return String(rest)
            }
        }
    }

    /// Whether newer MONAI adds a tensor of this name to every block without ever using it.
    package static func isUnusedByModel(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        return parts.count > 3 && parts[0] == "blocks" && (parts[2] == "norm_cross_attn" || parts[2] == "cross_attn")
    }

    /// The names a checkpoint should hold: those of as many blocks as it has, and the classifier's if it has any of them.
    package static func expected(for names: some Sequence<String>) -> [String] {
        var blocks = 1
        var hasHead = false
        for name in names {
            let parts = name.split(separator: ".")
            if parts.first == "FC" { hasHead = true }
            // More blocks than any file has tensors are a stray number in a name.
            if parts.count > 2, parts[0] == "blocks", let index = Int(parts[1]), (0..<1_000).contains(index) {
                blocks = max(blocks, index + 1)
            }
        }
        var expected = ["position_embeddings", "patch_embeddings.weight", "patch_embeddings.bias"].map {
            "patch_embedding.\($0)"
        }
        for block in 0..<blocks {
            expected += [
                "mlp.linear1.weight", "mlp.linear1.bias", "mlp.linear2.weight", "mlp.linear2.bias", "norm1.weight",
                "norm1.bias", "attn.out_proj.weight", "attn.out_proj.bias", "attn.qkv.weight", "norm2.weight",
                "norm2.bias",
            ].map { "blocks.\(block).\($0)" }
        }
        for module in ["norm", "conv3d_transpose", "conv3d_transpose_1"] + (hasHead ? ["FC.0", "FC.2", "FC.4"] : []) {
            expected += ["\(module).weight", "\(module).bias"]
        }
        return expected
    }
}
