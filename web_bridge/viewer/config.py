"""The archive's address to the configuration that OHIF reads at ``/app-config.js``."""

from __future__ import annotations

import json

_DATA_SOURCE = "@ohif/extension-default.dataSourcesModule.dicomweb"
_SEG_HANDLER = "@ohif/extension-cornerstone-dicom-seg.sopClassHandlerModule.dicom-seg"
_SEG_VIEWPORT = "@ohif/extension-cornerstone-dicom-seg.viewportModule.dicom-seg"


def app_config(dicomweb_root: str) -> str:
    """Return JavaScript that sets ``window.config``.

    Parameters
    ----------
    dicomweb_root : str
        Path on the viewer's own origin, as in ``/dicom-web``.

    Notes
    -----
    ``supportsReject`` stays off: results are superseded by rejection notes, which readers do not write.
    ``pdf`` is left out of ``singlepart``, because OHIF then sends no Authorization header. The TMTV mode
    does not know SEG by default; it is pushed into the mode's list of handlers and viewports. The tour for
    newcomers is off: it would darken the first picture that a reader sees.
    """
    return f"""window.config = {json.dumps(_config(), indent=1)};
(function () {{
  var root = window.location.origin + {json.dumps(dicomweb_root)};
  var source = window.config.dataSources[0].configuration;
  source.qidoRoot = root;
  source.wadoRoot = root;
  source.wadoUriRoot = root;
  window.config.httpErrorHandler = function (error) {{
    console.warn('the archive answered', error && error.status, error && error.message);
  }};
}})();
"""


def _config() -> dict[str, object]:
    source = {
        "friendlyName": "PSMA archive",
        "name": "psma",
        "imageRendering": "wadors",
        "thumbnailRendering": "wadors",
        "enableStudyLazyLoad": True,
        "qidoSupportsIncludeField": True,
        "supportsWildcard": True,
        "supportsFuzzyMatching": True,
        "supportsReject": False,
        "omitQuotationForMultipartRequest": True,
        "singlepart": "bulkdata,video",
        "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
    }
    return {
        "name": "psma-theranostics",
        "routerBasename": None,
        "extensions": [],
        "modes": [],
        "customizationService": {"ohif.tours": {"$set": []}},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": True,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "disableConfirmationPrompts": True,
        "investigationalUseDialog": {"option": "never"},
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 10},
        "defaultDataSourceName": "psma",
        "modesConfiguration": {
            "@ohif/mode-tmtv": {
                "sopClassHandlers": {"$push": [_SEG_HANDLER]},
                "routes": {
                    0: {
                        "layoutInstance": {
                            "props": {
                                "viewports": {
                                    "$push": [{"namespace": _SEG_VIEWPORT, "displaySetsToDisplay": [_SEG_HANDLER]}]
                                }
                            }
                        }
                    }
                },
            }
        },
        "dataSources": [{"namespace": _DATA_SOURCE, "sourceName": "psma", "configuration": source}],
    }
