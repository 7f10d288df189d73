/** The Java SDK of Ovis: the API of version 3 over the JDK alone. */
module org.ovis.sdk {
    requires transitive java.net.http;
    requires java.xml;

    exports org.ovis.sdk;
    exports org.ovis.sdk.collections;
    exports org.ovis.sdk.types;
}
