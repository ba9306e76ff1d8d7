import { ActionDialog } from "../actions/action_dialog";
import { Modal } from "../components/modal";
import { action } from "../state/action";
import { usePermission } from "../state/permission";
import { useStore } from "../state/store";
import { TokenForm } from "./token_form";

/** The dialog of the open action. Without permission it asks for a token first, once. */
export function Actions() {
  const open = useStore(action);
  const permission = usePermission();
  if (open === undefined) return null;
  const close = (): void => action.set(undefined);
  if (permission === "write")
    return <ActionDialog key={`${open.kind}/${open.id}`} action={open} onClose={close} />;
  return (
    <Modal title="Make changes" onClose={close}>
      <TokenForm reason="Changes need a token that may write." mustWrite={true} />
    </Modal>
  );
}
