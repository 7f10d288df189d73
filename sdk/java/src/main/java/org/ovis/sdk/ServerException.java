package org.ovis.sdk;

/** The engine refused. */
public class ServerException extends SdkException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String reason;
    private final String detail;

    /** What the answer said. */
    public ServerException(int status, String reason, String detail) {
        super(status + " " + reason + (detail.isEmpty() ? "" : ": " + detail), null);
        this.status = status;
        this.reason = reason;
        this.detail = detail;
    }

    /** Of HTTP: 401 for a wrong password, 403 without a permit, 404, 409 for what cannot be done now, 400 for bad input. */
    public int getStatus() {
        return status;
    }

    /** Of the fault, or of HTTP. */
    public String getReason() {
        return reason;
    }

    /** The engine's words; empty if it had none. */
    public String getDetail() {
        return detail;
    }
}
