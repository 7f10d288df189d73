package org.ovis.sdk;

/** Where something lives: a session, and a path below the API's prefix. */
public final class Place {
    final Connection connection;
    final String path;

    Place(Connection connection, String path) {
        this.connection = connection;
        this.path = path;
    }

    Place below(String segment) {
        return new Place(connection, path + "/" + segment);
    }
}
