using System.Security.Claims;
using Pimm.Core.Access;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Web.Security;

namespace Pimm.Web.Importing;

/// <summary>What a person does with files: asks whether the person may, each time, and leaves the rest to the door.</summary>
public sealed class ImportActions(WorkPermit permit, ImportDoor door, ImportTemplateStore templates, UndoImport undo)
{
    /// <returns>the draft whose file is being checked</returns>
    /// <exception cref="Core.InputException">the person may not, or the mapping cannot be meant</exception>
    public async Task<long> CheckAsync(ClaimsPrincipal person, DraftRequest request) =>
        (await door.CheckAsync(request, await ActorAsync(person))).DraftId;

    /// <param name="acceptBadShare">null: the usual bound</param>
    /// <returns>the run that imports</returns>
    /// <exception cref="Core.InputException">the person may not, or the draft is not ready</exception>
    public async Task<long> ApplyAsync(ClaimsPrincipal person, long draft, double? acceptBadShare) =>
        await door.ApplyAsync(draft, await ActorAsync(person), acceptBadShare);

    /// <param name="fingerprint">of the header, in hexadecimal</param>
    /// <exception cref="Core.InputException">the person may not, or there is no such name</exception>
    public async Task SaveTemplateAsync(ClaimsPrincipal person, string fingerprint, string kind, string name, ImportMapping mapping) =>
        await templates.SaveAsync(Convert.FromHexString(fingerprint), kind, name, mapping, await ActorAsync(person));

    /// <exception cref="Core.InputException">the person may not, or something came of the import</exception>
    public async Task<UndoneImport> UndoAsync(ClaimsPrincipal person, long import) => await undo.RunAsync(import, await ActorAsync(person));

    private async Task<string> ActorAsync(ClaimsPrincipal person) => AuditActor.User(await permit.DemandAsync(person, Right.Import));
}
