package import Compute
package import Encoder
import Foundation

extension Golden {
    /// The encoder of the case.
    package var encoder: EncoderConfiguration {
        EncoderConfiguration(
            imageSize: integer("config", "img"), patchSize: integer("config", "patch"),
            inChannels: integer("config", "in_ch"),
            outChannels: max(integer("config", "out_ch"), integer("config", "in_ch")),
            hidden: integer("config", "hidden"), heads: integer("config", "heads"),
            layers: integer("config", "layers"), mlp: integer("config", "mlp"))
    }

    /// A tensor by the key of our layout: fine-tuned checkpoints put `model.` before the encoder's keys.
    package func tensor(_ kind: String, _ name: String) -> [Float]? {
        tensors[kind + name] ?? tensors[kind + "model." + name]
    }

    /// The case's weights.
    /// - Parameter without: parameters of names that begin so are not in the case and stay 0.
    package func store(_ model: ModelConfiguration, _ device: Device, without: String? = nil) throws -> ParameterStore {
        let store = try ParameterStore(ParameterLayout(model), device: device)
        for parameter in store.layout.parameters where parameter.name != ParameterLayout.absentContrasts {
            if let without, parameter.name.hasPrefix(without) { continue }
            guard let values = tensor("w/", parameter.name), values.count == parameter.count else {
                throw CocoaError(.fileReadCorruptFile, userInfo: ["parameter": parameter.name])
            }
            store.write(parameter.range, from: values)
        }
        store.refreshVectors()
        return store
    }
}
