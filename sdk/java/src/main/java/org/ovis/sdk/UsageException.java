package org.ovis.sdk;

/** The call itself is at fault: a session that has ended, an object of no engine, a name that several objects have. */
public class UsageException extends SdkException {
    private static final long serialVersionUID = 1L;

    /** With words for people. */
    public UsageException(String text) {
        super(text, null);
    }
}
