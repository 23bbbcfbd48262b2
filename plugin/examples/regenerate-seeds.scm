; SPDX-License-Identifier: GPL-3.0-or-later
; Makes ten versions of one picture, that differ in nothing but the seed:
;
;   gimp-console -id --batch-interpreter=plug-in-script-fu-eval \
;     -b '(begin (script-fu-use-v3)
;                (load "regenerate-seeds.scm")
;                (diffusion-regenerate-seeds "sketch.png" "versions/sketch" 10 "MODEL" 500))' --quit
;
; The folder "versions" has to exist; sketch-0.png to sketch-9.png are written there. No file is overwritten. An error is said
; on standard error and ends GIMP with a status other than 0.

(define (diffusion-regenerate-seeds from to count model t)
  (let loop ((seed 0))
    (if (< seed count)
        (let ((image (gimp-file-load RUN-NONINTERACTIVE from))
              (target (string-append to "-" (number->string seed) ".png")))
          (if (file-exists? target)
              (error (string-append target " exists already")))
          (gimp-image-policy-rotate image FALSE) ; upright, however the camera was held
          (plug-in-diffusion-regenerate #:run-mode RUN-NONINTERACTIVE
                                        #:image image
                                        #:drawables (gimp-image-get-layers image)
                                        #:model model
                                        #:t t
                                        #:seed seed)
          (gimp-file-save RUN-NONINTERACTIVE image target)
          (gimp-image-delete image)
          (loop (+ seed 1))))))
