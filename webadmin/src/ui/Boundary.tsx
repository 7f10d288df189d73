/** A part that fails says so and offers to try again; the rest of the page goes on. */
import { Component, type ReactElement, type ReactNode } from "react";

interface Props {
  what: string;
  children: ReactNode;
  onError?: (error: Error) => void;
}

export class Boundary extends Component<Props, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }
  override componentDidCatch(error: Error): void {
    this.props.onError?.(error);
  }
  override render(): ReactNode {
    const { error } = this.state;
    return error ? <Failed what={this.props.what} error={error} again={() => this.setState({ error: undefined })} /> : this.props.children;
  }
}

export function Failed({ what, error, again }: { what: string; error: Error; again: () => void }): ReactElement {
  return (
    <div className="ov-failed" role="alert">
      <p>
        <b>{what} cannot be shown.</b>
      </p>
      <p className="ov-muted">{error.message}</p>
      <button type="button" className="ov-button outline" onClick={again}>
        Try again
      </button>
    </div>
  );
}
