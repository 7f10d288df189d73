package org.ovis.sdk;

/** The answer is none of this API: a proxy's page, or another service. */
public class FormatException extends SdkException {
    private static final long serialVersionUID = 1L;

    /** With words for people, and what lies behind them or null. */
    public FormatException(String text, Throwable cause) {
        super(text, cause);
    }
}
