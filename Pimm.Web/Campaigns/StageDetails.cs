using Microsoft.AspNetCore.Components;

namespace Pimm.Web.Campaigns;

/// <summary>A panel that reads its stage's rows when the page opens and whenever they may have changed.</summary>
public abstract class StageDetails : ComponentBase
{
    private int revision;

    [CascadingParameter] public CampaignContext Context { get; set; } = default!;

    protected abstract Task ReadAsync();

    protected override async Task OnParametersSetAsync()
    {
        if (revision != Context.Revision)
        {
            revision = Context.Revision;
            await ReadAsync();
        }
    }
}
