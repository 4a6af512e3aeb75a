import Cryptography

/// A key's digest as eight words that two people can compare over the telephone: 64 bits.
package enum Fingerprint {
    /// - Parameter spki: SHA-256 of a SubjectPublicKeyInfo, hexadecimal.
    /// - Returns: Eight words with spaces between, one for each of the first eight bytes; empty when `spki` is no digest.
    package static func words(of spki: String) -> String {
        guard let digest = Hexadecimal.decode(spki), digest.count == 32 else { return "" }
        return digest.prefix(8).map { list[Int($0)] }.joined(separator: " ")
    }

    /// 256 short words that differ in sound; the order is part of the protocol and never changes.
    static let list: [String] = """
        acid actor agent alarm album amber anchor angle ankle anvil apple april apron arch arena arrow autumn
        bacon badge badger baker bamboo banjo barrel basket beach beard bell bench bicycle bishop blanket boat
        bottle bread brick bridge brush bucket butter cabin cactus camel candle carpet carrot castle cattle
        cedar chain chalk cherry chess chin circus city clay clock cloud coffee comet copper coral cotton cousin
        cradle crystal daisy dance desert diamond dinner doctor dolphin domino donkey dragon dragonfly drum
        eagle earth easter echo elbow emerald empire engine evening fabric falcon farmer feather fender fiddle
        finger flame flute forest fossil fountain fox frost funnel galaxy garden garlic gazelle ghost giant
        ginger glove goat golden gravel guitar hammer hamster harbour harvest hazel helmet hermit hill honey
        horse hotel hunter iceberg igloo insect iron island ivory jacket jelly jewel jigsaw juice jungle jury
        kettle kidney king kitchen kite knee ladder lagoon lamp lantern lemon leopard letter library lily lion
        lizard magnet maple marble market mason meadow melon mirror monkey morning motor museum mustard napkin
        needle nephew night noodle north nurse oasis ocean olive onion opera orange orchid otter oxygen oyster
        paddle palace panda paper parrot peanut pebble pencil pepper piano pigeon pilot planet pocket potato
        pumpkin puzzle quail quartz queen rabbit radio rainbow raven ribbon river rocket rose ruby saddle salmon
        sandal school shadow shovel silver sister spider sponge squirrel statue sugar summer table teapot temple
        thunder ticket tiger tomato trumpet tulip tunnel turtle uncle valley velvet village violin walnut walrus
        water whale window winter wolf yellow zebra zipper
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
