import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../components/keys";
import { connection, needsToken } from "../state/connection";
import { overview } from "../state/overview";
import { route } from "../state/route";
import { useSelected, useStore } from "../state/store";
import { Actions } from "./actions";
import { Banner } from "./banner";
import { Header } from "./header";
import { Help } from "./help";
import { Overview } from "./overview/overview";
import { TabState } from "./tab_state";
import { Toast } from "./toast";
import { TokenForm } from "./token_form";
import { UpstreamView } from "./upstream/upstream";

/** The view that the URL names, or the form for a token if the gateway shows nothing without one. */
function View() {
  const open = useStore(route);
  const isRefused = useSelected(connection, needsToken);
  const isEmpty = useSelected(overview, ({ gateway }) => gateway === undefined);
  const name = open.view === "upstream" ? open.name : "";
  useEffect(() => scrollTo(0, 0), [name]);
  if (isRefused && isEmpty)
    return <TokenForm reason="The gateway wants a token before it shows anything." mustWrite={false} />;
  return open.view === "overview" ? <Overview /> : <UpstreamView key={name} route={open} />;
}

/** The page: its head, notices, and a view. */
export function App() {
  const [hasHelp, setHelp] = useState(false);
  useKeys({ "?": () => setHelp(true) });
  return (
    <>
      <TabState />
      <Header onHelp={() => setHelp(true)} />
      <main>
        <Banner />
        <View />
      </main>
      <Actions />
      <Toast />
      {hasHelp && <Help onClose={() => setHelp(false)} />}
    </>
  );
}
