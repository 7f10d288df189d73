package org.ovis.sdk;

/** The engine cannot be reached, its certificate is not trusted, or the answer broke off. */
public class ConnectionException extends SdkException {
    private static final long serialVersionUID = 1L;

    /** With words for people, and what lies behind them or null. */
    public ConnectionException(String text, Throwable cause) {
        super(text, cause);
    }
}
