extension CoordinatorConfiguration {
    /// The file that `init` writes: what was asked for, and every other key as a comment.
    package var yaml: String {
        """
        # The coordinator of a federation. Read at start; every key that is commented out has the value shown.
        name: \(name)

        # Where agents connect. The host stands in the server's certificate and in every enrolment code.
        address: "\(address)"

        # Where the agents' listener is bound.
        listen: "\(listen)"

        # Enrolment has a listener of its own on the same host, open only while a code is outstanding.
        enrolment:
          port: \(enrolmentAddress.port)
          listen: "\(enrolmentListen)"
          # code-lifetime: 72h

        # Certificates renew themselves at two thirds of their life.
        # certificates:
        #   site-lifetime: 7d
        #   server-lifetime: 30d

        # limits:
        #   connections: 1200
        #   connections-per-site: 8
        #   connections-per-address: 64
        #   handshake: 10s
        #   head: 10s
        #   idle: 75s
        #   stall: 30s
        #   body-bytes-per-second: 8192
        #   reserved-mb: 64

        # The coordinator's own evaluation data, if it has any. Origin is synthetic, public or agreement <reference>.
        # evaluation:
        #   - name: public-2021
        #     manifest: /srv/evaluation/manifest.csv
        #     origin: public

        # log: info

        """
    }
}
